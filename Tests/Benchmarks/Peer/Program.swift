import ArgumentParser
import Foundation
import RefundCore
import RefundCrypto
import RefundPayCloud

/// What refundd talks to while it is measured: a gateway that has signed its answers beforehand, and a receiver.
///
/// It must cost next to nothing while refundd is measured on the same machine, so a query is answered with prepared
/// bytes and its signature is not verified. What it saw and when is served by plain HTTP.
@main
struct Program: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refund-benchmark-peer",
        abstract: "The gateway and the receiver of the benchmarks, on 127.0.0.1.",
        discussion: """
            Prints one line once connections are accepted: {"tls":PORT,"plain":[PORT, ...]}. All ports serve the same:

              POST /api/entry         a query for the refund R0, R1, ..., which has settled
              POST /processing/...    the same, which stays in progress
              POST /webhooks          takes a webhook
              POST /hang              never answers
              GET /queries, /webhooks what arrived: the refund's number and CLOCK_MONOTONIC in nanoseconds, a line each
              GET /count              how much arrived
              DELETE /                forgets it
            """
    )

    @Option(help: "The private key that signs answers.")
    var key: String

    @Option(help: "The certificate to show over TLS.")
    var certificate: String

    @Option(help: "The private key of the certificate.")
    var certificateKey: String

    @Option(help: "How many answers to sign for refunds that have settled.")
    var settled = 0

    @Option(help: "How many answers to sign for refunds that stay in progress.")
    var processing = 0

    @Option(help: "How many ports to serve plain HTTP on.")
    var plainPorts = 1

    func run() async throws {
        let key = try RSAPrivateKey(text: Array(Data(contentsOf: URL(filePath: key))))
        let desk = Desk(
            settled: try await PreparedAnswers(count: settled, status: .succeeded, signedWith: key),
            processing: try await PreparedAnswers(count: processing, status: .inProgress, signedWith: key)
        )
        let server = try Server(desk: desk, certificate: certificate, key: certificateKey)
        let tls = try await server.listen(usesTLS: true)
        var plain: [Int] = []
        for _ in 0..<plainPorts { plain.append(try await server.listen(usesTLS: false)) }
        var line = JSONWriter()
        line.object { line in
            line.number("tls", tls)
            line.array("plain") { line in
                for port in plain { line.number(nil, port) }
            }
        }
        try FileHandle.standardOutput.write(contentsOf: Data("\(line.text)\n".utf8))
        // Until it is killed.
        try await Task.sleep(for: .seconds(365 * 86_400))
    }
}
