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
    }

    /// What comes back, and after how long.
    typealias Reply = (after: Duration, result: Result<HTTPResponse, HTTPError>)

    static let timeout: Duration = .seconds(10)
    static let merchantNo = "312100007235"

    let name: String
    let schedule: FaultSchedule<Condition>
    let flakiness: Double
    var random: SplitMix64
    /// When the last pause ends that it asked for.
    private(set) var pausedUntil = VirtualClock.start
    private(set) var scripts: [String: RefundScript] = [:]
    private var orders: [String: String] = [:]
    private var signedTexts: [String: [UInt8]] = [:]
    private var given: [String: [[UInt8]: RefundScript.Status]] = [:]

    init(name: String, schedule: FaultSchedule<Condition>, flakiness: Double, random: SplitMix64) {
        self.name = name
        self.schedule = schedule
        self.flakiness = flakiness
        self.random = random
    }

    func submit(_ script: RefundScript) {
        scripts[script.order] = script
        orders[script.transNo] = script.order
    }

    /// What it said about a refund with these bytes, or nil if it never gave them for it.
    func status(given body: [UInt8], for order: String) -> RefundScript.Status? {
        given[order]?[body]
    }

    /// Since when it has answered every query, its own pauses being over; nil while it is faulty.
    func healthySince(at time: Timestamp) -> Timestamp? {
        schedule.healthySince(at: time).map { max($0, pausedUntil) }
    }

    /// Answers a query.
    func reply(to request: HTTPRequest, at time: Timestamp) throws -> Reply {
        let script = try script(in: request)
        guard let asked = Self.timestamp(of: request) else { throw Violation("a query has no timestamp") }
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
        let status = script.phases[phase].status
        let text = AnswerText.about(script, status, psn: "P-\(script.order)-\(phase)")
        let body = try signed(text)
        given[script.order, default: [:]][body] = status
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

    private func script(in request: HTTPRequest) throws -> RefundScript {
        let query = try JSONObject(parsing: request.body)
        guard let sign = query.text("sign"), let signature = Base64.decoded(sign),
            SignedAnswer.appPublicKey.isValid(signature: signature, for: SigningString.bytes(of: query)),
            query.text("merchant_no") == Self.merchantNo
        else { throw Violation("gateway \(name) got a query that is not signed by the application") }
        let order = query.text("merchant_order_no") ?? query.text("trans_no").flatMap { orders[$0] }
        guard let order, let script = scripts[order] else {
            throw Violation("gateway \(name) was asked for a refund that was not submitted to it")
        }
        return script
    }

    private static func timestamp(of request: HTTPRequest) -> Timestamp? {
        (try? JSONObject(parsing: request.body))?.text("timestamp").flatMap(Int64.init)
            .map(Timestamp.init(milliseconds:))
    }
}
