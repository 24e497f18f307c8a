import Foundation

/// A request as the simulator logged it once it was answered.
struct Asked {
    /// When it arrived, in Unix milliseconds.
    let at: Int64
    /// The order number, else the `trans_no`.
    let number: String
    /// Whether it passed the simulator's checks.
    let isAccepted: Bool
}

extension Workspace {
    /// Names a gateway that nobody serves: the port of a simulator that has stopped may soon be another test's.
    func configureUnreachableGateway() throws {
        try configure("gateway", ["url": "\"https://127.0.0.1:1\""])
    }

    /// The requests that the simulator has answered, in order of arrival.
    func asked() throws -> [Asked] {
        guard let data = FileManager.default.contents(atPath: path("simulator.log")) else { return [] }
        return try JSON.lines(of: String(decoding: data, as: UTF8.self))
            .map { line in
                Asked(
                    at: line["at"].integer ?? 0,
                    number: line["merchant_order_no"].text ?? line["trans_no"].text ?? "",
                    isAccepted: line["verdict"].text == "answered"
                )
            }
            .sorted { $0.at < $1.at }
    }

    /// The requests for one refund.
    func asked(_ order: String) throws -> [Asked] {
        try asked().filter { $0.number == order }
    }

    /// How often the simulator was asked for each refund, the queries that it has not answered yet included.
    func queriesInSimulator() async throws -> [String: Int] {
        let url = "https://127.0.0.1:\(simulatorPort)/simulator/refunds"
        let answer = try await run("curl", ["-sS", "--cacert", path("ca.pem"), url])
        let counts = try answer.json["refunds"].items.map { refund in
            (refund["merchant_order_no"].text ?? refund["trans_no"].text ?? "", Int(refund["queries"].integer ?? 0))
        }
        return Dictionary(counts) { first, _ in first }
    }
}
