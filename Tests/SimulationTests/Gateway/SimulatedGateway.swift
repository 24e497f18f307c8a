import RefundCore
import RefundCrypto
import RefundHTTP
import RefundPayCloud
import RefundTestSupport

/// A gateway that knows what becomes of refunds, keeps every answer it signed, and may be in any kind of trouble.
final class SimulatedGateway {
    enum Mood: CaseIterable {
        /// Answers truthfully and quickly.
        case fair
        /// Some answers are faulty.
        case patchy
        /// No answer at all.
        case silent
        /// Nothing but HTTP 5xx.
        case broken
        /// Nothing but HTTP 429 and 503.
        case throttling
        /// The credentials are refused.
        case refusing
        /// Somebody in between forges every answer.
        case forged
    }

    /// What comes back, and after how long.
    typealias Reply = (after: Duration, result: Result<HTTPResponse, HTTPError>)

    static let timeout: Duration = .seconds(10)
    static let merchantNo = "312100007235"

    let name: String
    let weather: Weather<Mood>
    let faultiness: Double
    var random: SeededRandom
    /// Until when the last wait lasts that it asked for.
    private(set) var pausedUntil = VirtualClock.start
    private(set) var fates: [String: Fate] = [:]
    private var orders: [String: String] = [:]
    private var signedTexts: [String: [UInt8]] = [:]
    private var given: [String: [[UInt8]: Fate.Status]] = [:]

    init(name: String, weather: Weather<Mood>, faultiness: Double, random: SeededRandom) {
        self.name = name
        self.weather = weather
        self.faultiness = faultiness
        self.random = random
    }

    func submit(_ fate: Fate) {
        fates[fate.order] = fate
        orders[fate.transNo] = fate.order
    }

    /// What it really said of a refund with these bytes; nil when it never gave them out for it.
    func status(given body: [UInt8], for order: String) -> Fate.Status? {
        given[order]?[body]
    }

    /// Since when it has answered every query as it should, its own pauses being over; nil when it does not.
    func fairSince(at time: Timestamp) -> Timestamp? {
        weather.fairSince(at: time).map { max($0, pausedUntil) }
    }

    /// Takes a query.
    func reply(to request: HTTPRequest, at time: Timestamp) throws -> Reply {
        let fate = try fate(in: request)
        guard let asked = Self.timestamp(of: request) else { throw Violation("a query has no timestamp") }
        guard abs(time.duration(since: asked).inSeconds) <= 15 * 60 else {
            return try answer(random.pick([.refusal(isSigned: true), .unknownCode]), fate, at: time)
        }
        let fault: Fault =
            switch weather.kind(at: time) {
            case .fair: .none
            case .patchy: random.chance(faultiness) ? random.pick(Fault.sporadic) : .none
            case .silent: random.pick([.timeout, .reset, .noConnection])
            case .broken: .serverError
            case .throttling: .throttled
            case .refusing: .refusal(isSigned: random.chance(0.5))
            case .forged: random.pick([.unsigned, .signedByAnother, .tampered])
            }
        return try answer(fault, fate, at: time)
    }

    /// Takes note that it asks to be left alone.
    func paused(for wait: Duration, at time: Timestamp) {
        pausedUntil = max(pausedUntil, time.advanced(by: wait))
    }

    /// The true answer about a refund, signed; the same bytes as long as nothing changes.
    func truth(of fate: Fate, at time: Timestamp) throws -> [UInt8] {
        try truth(of: fate, chapter: fate.chapter(at: time))
    }

    func truth(of fate: Fate, chapter: Int) throws -> [UInt8] {
        let status = fate.chapters[chapter].status
        let text = AnswerText.about(fate, status, psn: "P-\(fate.order)-\(chapter)")
        let body = try signed(text)
        given[fate.order, default: [:]][body] = status
        return body
    }

    /// Any answer with its signature.
    func signed(_ text: String) throws -> [UInt8] {
        if let known = signedTexts[text] { return known }
        let body = Array(try SignedAnswer.text(text).utf8)
        signedTexts[text] = body
        return body
    }

    // MARK: - Reading the query

    private func fate(in request: HTTPRequest) throws -> Fate {
        let query = try JSONObject(parsing: request.body)
        guard let sign = query.text("sign"), let signature = Base64.decoded(sign),
            SignedAnswer.appPublicKey.isValid(signature: signature, for: SigningString.bytes(of: query)),
            query.text("merchant_no") == Self.merchantNo
        else { throw Violation("gateway \(name) got a query that is not signed by the application") }
        let order = query.text("merchant_order_no") ?? query.text("trans_no").flatMap { orders[$0] }
        guard let order, let fate = fates[order] else {
            throw Violation("gateway \(name) was asked for a refund that was not submitted to it")
        }
        return fate
    }

    private static func timestamp(of request: HTTPRequest) -> Timestamp? {
        (try? JSONObject(parsing: request.body))?.text("timestamp").flatMap(Int64.init)
            .map(Timestamp.init(milliseconds:))
    }
}
