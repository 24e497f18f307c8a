import RefundCore
import RefundCrypto
import RefundHTTP
import RefundPayCloud
import RefundTestSupport

/// A gateway that knows what becomes of refunds, remembers every answer it signed, and may fail in any way.
final class SimulatedGateway {
    enum Condition: CaseIterable {
        /// Answers truthfully and quickly.
        case healthy
        /// Some answers are faulty.
        case flaky
        /// Never answers.
        case silent
        /// Answers HTTP 5xx only.
        case broken
        /// Answers HTTP 429 and 503 only.
        case throttling
        /// Refuses the credentials.
        case refusing
        /// An attacker on the path forges every answer.
        case forged
        /// Closed every kept-alive connection, and only answers on a new one.
        case deadConnections

        /// The longest period: a faulty gateway is probed every few seconds, which soon shows nothing new.
        var longest: Duration {
            switch self {
            case .healthy, .flaky, .throttling: .hours(8)
            case .silent, .broken: .hours(3)
            case .refusing, .forged, .deadConnections: .hours(1)
            }
        }
    }

    /// What comes back, and after how long.
    typealias Reply = (after: Duration, result: Result<HTTPResponse, HTTPError>)

    static let timeout: Duration = .seconds(10)
    /// The merchant numbers that the gateway knows; rows that name none have the first.
    static let merchants = ["312100007235", "312100007236"]
    static var merchantNo: String { merchants[0] }

    let name: String
    let schedule: FaultSchedule<Condition>
    /// The merchant that the gateway refuses, while it serves the others.
    let refusedMerchant: FaultSchedule<String?>
    let flakiness: Double
    var random: SplitMix64
    /// When the last pause ends that it asked for.
    private(set) var pausedUntil = VirtualClock.start
    private(set) var scripts: [String: RefundScript] = [:]
    private var orders: [String: String] = [:]
    private var signedTexts: [String: [UInt8]] = [:]
    private var truths: [String: [Int: [UInt8]]] = [:]
    private var queries = 0

    init(
        name: String,
        schedule: FaultSchedule<Condition>,
        refusedMerchant: FaultSchedule<String?>,
        flakiness: Double,
        random: SplitMix64
    ) {
        self.name = name
        self.schedule = schedule
        self.refusedMerchant = refusedMerchant
        self.flakiness = flakiness
        self.random = random
    }

    func submit(_ script: RefundScript) {
        scripts[script.order] = script
        orders[script.transNo] = script.order
    }

    /// What it said about a refund with these bytes, or nil if it never gave them for it.
    func status(given body: [UInt8], for order: String) -> RefundScript.Status? {
        guard let phase = truths[order]?.first(where: { $0.value == body })?.key else { return nil }
        return scripts[order]?.phases[phase].status
    }

    /// Since when it has answered every query, its own pauses being over; nil while it is faulty.
    func healthySince(at time: Timestamp) -> Timestamp? {
        schedule.healthySince(at: time).map { max($0, pausedUntil) }
    }

    /// Since when it has answered every query of a merchant; nil while it does not.
    func servesSince(_ merchant: String, at time: Timestamp) -> Timestamp? {
        guard let healthySince = healthySince(at: time),
            let acceptedSince = refusedMerchant.freeSince(merchant, at: time)
        else { return nil }
        return max(healthySince, acceptedSince)
    }

    /// Answers a query.
    func reply(to request: HTTPRequest, at time: Timestamp) throws -> Reply {
        let query = try JSONObject(parsing: request.body)
        let script = try script(in: query)
        guard let asked = query.text("timestamp").flatMap(Int64.init).map(Timestamp.init(milliseconds:)) else {
            throw Violation("a query has no timestamp")
        }
        guard abs(time.duration(since: asked).inSeconds) <= 15 * 60 else {
            return try answer(random.pick([.refusal(isSigned: true), .unknownCode]), script, at: time)
        }
        let fault: GatewayFault =
            switch schedule.condition(at: time) {
            case .healthy: .none
            case .flaky: random.chance(flakiness) ? random.pick(GatewayFault.sporadic) : .none
            case .silent: random.pick([.timeout, .reset, .noConnection])
            case .broken: .serverError
            case .throttling: .throttled
            case .refusing: .refusal(isSigned: random.chance(0.5))
            case .forged: random.pick([.unsigned, .signedByAnother, .tampered])
            case .deadConnections: request.connection == .fresh ? .none : .reset
            }
        if fault.isNone, refusedMerchant.condition(at: time) == script.merchantNo {
            return try answer(.refusal(isSigned: random.chance(0.5)), script, at: time)
        }
        return try answer(fault, script, at: time)
    }

    /// Records that it asked for a pause.
    func paused(for wait: Duration, at time: Timestamp) {
        pausedUntil = max(pausedUntil, time.advanced(by: wait))
    }

    /// The true answer about a refund, signed: the same bytes until something changes.
    func truth(of script: RefundScript, at time: Timestamp) throws -> [UInt8] {
        try truth(of: script, phase: script.phase(at: time))
    }

    func truth(of script: RefundScript, phase: Int) throws -> [UInt8] {
        if let body = truths[script.order]?[phase] { return body }
        let text = AnswerText.about(script, script.phases[phase].status, psn: "P-\(script.order)-\(phase)")
        let body = try signed(text)
        truths[script.order, default: [:]][phase] = body
        return body
    }

    /// An answer with its signature.
    func signed(_ text: String) throws -> [UInt8] {
        if let known = signedTexts[text] { return known }
        let body = Array(try SignedAnswer.text(text).utf8)
        signedTexts[text] = body
        return body
    }

    // MARK: - Reading the query

    private func script(in query: JSONObject) throws -> RefundScript {
        let order = query.text("merchant_order_no") ?? query.text("trans_no").flatMap { orders[$0] }
        guard let order, let script = scripts[order] else {
            throw Violation("gateway \(name) was asked for a refund that was not submitted to it")
        }
        try require(query.text("merchant_no") == script.merchantNo, "\(order) is queried for another merchant")
        queries += 1
        // Verifying takes longer than everything else here, and one client signs all queries.
        if queries < 20 || queries % 16 == 0 { try require(Self.isSigned(query), "\(name) got an unsigned query") }
        return script
    }

    private static func isSigned(_ query: JSONObject) -> Bool {
        guard let signature = query.text("sign").flatMap({ Base64.decoded($0) }) else { return false }
        return SignedAnswer.appPublicKey.isValid(signature: signature, for: SigningString.bytes(of: query))
    }
}
