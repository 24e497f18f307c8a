import RefundCore
import RefundHTTP
import RefundTestSupport

/// What may be wrong with one answer.
enum GatewayFault {
    case none
    case slow, timeout, reset, noConnection
    case serverError, throttled
    case empty, garbage, cut, tooLarge
    case unsigned, signedByAnother, tampered
    case refusal(isSigned: Bool)
    /// A true answer about another refund.
    case anotherRefund
    /// An earlier true answer about this refund.
    case stale
    case unknownCode, unknownStatus, withoutData, withoutNumbers

    var isNone: Bool { if case .none = self { true } else { false } }

    static let sporadic: [GatewayFault] = [
        .slow, .timeout, .reset, .noConnection, .serverError, .throttled, .empty, .garbage, .cut, .tooLarge, .unsigned,
        .signedByAnother, .tampered, .refusal(isSigned: false), .refusal(isSigned: true), .anotherRefund, .stale,
        .unknownCode, .unknownStatus, .withoutData, .withoutNumbers,
    ]
}

extension SimulatedGateway {
    /// Answers a query about a refund, with a fault.
    func answer(_ fault: GatewayFault, _ script: RefundScript, at time: Timestamp) throws -> Reply {
        let soon = Duration.milliseconds(random.integer(20...1_500))
        func fails(_ error: HTTPError, after wait: Duration) -> Reply { (wait, .failure(error)) }
        func ok(_ body: [UInt8]) -> Reply {
            (soon, .success(.canned(200, fields: ["Date: \(time.httpDate)"], body: body)))
        }
        func signed(_ code: String, _ data: String? = nil) throws -> Reply {
            ok(try self.signed(AnswerText.envelope(code: code, message: "no", psn: "P-0", data: data)))
        }
        let claim = AnswerText.claim(script)
        switch fault {
        case .none: return ok(try truth(of: script, at: time))
        case .slow:
            let wait = Duration.milliseconds(random.integer(1_500...9_900))
            return (wait, .success(.canned(200, body: try truth(of: script, at: time))))
        case .timeout: return fails(.timeout(.awaitingResponse), after: Self.timeout)
        case .reset: return fails(.connectionLost, after: soon)
        case .noConnection: return fails(.connect, after: soon)
        case .empty: return fails(.emptyResponse, after: soon)
        case .tooLarge: return fails(.tooLarge(limit: 256 * 1_024), after: soon)
        case .serverError:
            let status = random.pick([500, 502, 504])
            return (soon, .success(.canned(status, body: random.chance(0.5) ? Array(claim.utf8) : [])))
        case .throttled: return throttled(after: soon, at: time)
        case .garbage: return ok(Array("<html>maintenance</html>".utf8))
        case .cut: return ok(Array(try truth(of: script, at: time).dropLast(40)))
        case .unsigned: return ok(Array(claim.utf8))
        case .signedByAnother: return ok(Array(try SignedAnswer.text(claim, signedWith: SignedAnswer.wrongKey).utf8))
        case .tampered:
            let lie = String(decoding: try truth(of: script, at: time), as: UTF8.self)
                .replacing(#"\"trans_status\":0"#, with: #"\"trans_status\":2"#)
                .replacing("E04111", with: "E04110")
            return ok(Array(lie.utf8))
        case .refusal(let isSigned):
            let code = random.pick(["SYS002", "SYS011", "E07303"])
            guard !isSigned else { return try signed(code) }
            return ok(Array(AnswerText.envelope(code: code, message: "no", psn: "P-0", data: nil).utf8))
        case .anotherRefund:
            let other = scripts.keys.sorted().first { $0 != script.order }.flatMap { scripts[$0] }
            let body = try other.map { try truth(of: $0, at: time) }
            let foreign = claim.replacing(script.order, with: "ANOTHER").replacing(script.transNo, with: "ANOTHER")
            return try ok(body ?? self.signed(foreign))
        case .stale: return ok(try truth(of: script, phase: random.integer(0...script.phase(at: time))))
        case .unknownCode: return try signed("E99999", #"{"trans_status":2}"#)
        case .unknownStatus: return ok(try self.signed(claim.replacing(#"status\":2"#, with: #"status\":7"#)))
        case .withoutData: return try signed("0")
        case .withoutNumbers: return try signed("0", #"{"trans_status":2,"trans_amount":"1","price_currency":"JPY"}"#)
        }
    }

    private func throttled(after soon: Duration, at time: Timestamp) -> Reply {
        let wait = random.pick([Duration.zero, .seconds(1), .seconds(90), .minutes(30), .hours(30)])
        // A gateway is granted an hour at most.
        paused(for: min(wait, .hours(1)), at: time)
        let header = random.pick([nil, "soon", String(wait.components.seconds), time.advanced(by: wait).httpDate])
        return (soon, .success(.canned(random.pick([429, 503]), fields: header.map { ["Retry-After: \($0)"] } ?? [])))
    }
}
