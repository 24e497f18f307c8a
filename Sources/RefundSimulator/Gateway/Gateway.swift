import RefundCore
import RefundCrypto
import Synchronization

/// The gateway's side of the refund query: checks a request, follows the scenario, writes and signs the answer.
///
/// Does not use the network. A call occupies its thread for about half a millisecond, the cost of a signature.
final class Gateway: Sendable {
    /// A reply, and what it takes to deliver and log it.
    struct Outcome {
        var reply: Reply
        /// The delay before the reply; nil for the simulator's default.
        var latency: Duration?
        /// The reply's `Retry-After`.
        var retryAfter: Duration?
        var record: RequestRecord
    }

    /// The refunds that were queried so far.
    let refunds = QueriedRefunds()
    private let appID: String
    private let keys: Mutex<SimulatorKeys>
    private let book: ScenarioBook
    private let clockSkew: Duration
    private let serial = Atomic(0)

    init(appID: String, keys: SimulatorKeys, book: ScenarioBook, clockSkew: Duration = .zero) {
        self.appID = appID
        self.clockSkew = clockSkew
        self.keys = Mutex(keys)
        self.book = book
    }

    /// Replaces the keys.
    func use(_ keys: SimulatorKeys) {
        self.keys.withLock { $0 = keys }
    }

    private var check: RequestCheck { RequestCheck(appID: appID, appKeys: keys.withLock { $0.app }) }

    private var key: RSAPrivateKey { keys.withLock { $0.gateway } }

    /// Answers the body of a request.
    ///
    /// - Parameters:
    ///   - body: The bytes; the caller bounds their number.
    ///   - path: The path of the request, for the log.
    ///   - now: The time at which the request arrived.
    /// - Returns: The reply, its timing, and the line for the log.
    /// - Throws: `KeyError` if the key cannot sign.
    func outcome(of body: [UInt8], path: String, now: Timestamp) throws(KeyError) -> Outcome {
        var record = RequestRecord(receivedAt: now, path: path)
        let number: RefundNumber
        do {
            let request = try RequestCheck.members(of: body)
            record.number = request.refundNumber
            number = try check.number(askedBy: request, now: now.advanced(by: clockSkew))
        } catch {
            record.code = error.code
            return Outcome(reply: .json(try envelope(of: error, now: now).body(signedWith: key)), record: record)
        }
        record.isAccepted = true
        let scenario = book.scenario(for: number.text)
        let (answer, refund) = refunds.ask(number, scenario: scenario, at: now)
        record.fault = answer.fault
        record.queries = refund.queries
        let data: RefundAnswer? =
            switch answer.content {
            case .unknownRefund: nil
            case .status(let status):
                RefundAnswer(
                    number,
                    scenario: scenario,
                    status: status,
                    endedAt: refund.endedAt ?? now,
                    seed: book.seed
                )
            }
        let reply = try reply(with: data, about: number, fault: answer.fault, dataForm: scenario.dataForm, &record)
        let isBusy = answer.fault == .http429 || answer.fault == .http503
        return Outcome(
            reply: reply,
            latency: scenario.latency,
            retryAfter: isBusy ? scenario.retryAfter : nil,
            record: record
        )
    }

    private func reply(
        with data: RefundAnswer?,
        about number: RefundNumber,
        fault: Fault?,
        dataForm: Scenario.DataForm,
        _ record: inout RequestRecord
    ) throws(KeyError) -> Reply {
        if let reply = fault?.replyWithoutAnswer { return reply }
        var envelope: Envelope
        switch (fault?.refusal, data) {
        case (let refusal?, _):
            envelope = self.envelope(of: refusal, now: record.receivedAt)
        case (nil, nil):
            envelope = self.envelope(of: .unknown(number), now: record.receivedAt)
        case (nil, var data?):
            fault?.spoil(&data)
            record.status = data.status
            envelope = Envelope(code: "0", message: "success", psn: nextPSN(record.receivedAt), data: data.json)
            envelope.dataForm = dataForm
        }
        fault?.spoil(&envelope)
        record.code = envelope.code
        let body = try envelope.body(signedWith: key)
        return fault?.spoiltReply(of: body) ?? .json(body)
    }

    private func envelope(of refusal: GatewayRefusal, now: Timestamp) -> Envelope {
        let message = "[\(refusal.code)]\(refusal.message)"
        var envelope = Envelope(code: refusal.code, message: message, psn: nextPSN(now))
        if refusal.isEarly && !book.signsEarlyErrors { envelope.signature = .absent }
        return envelope
    }

    private func nextPSN(_ now: Timestamp) -> String {
        let (_, number) = serial.add(1, ordering: .relaxed)
        return "\(now.milliseconds)\(String(1_000_000 + number % 1_000_000).dropFirst())"
    }
}
