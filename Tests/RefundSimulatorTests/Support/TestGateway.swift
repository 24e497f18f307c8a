import RefundCore
import RefundCrypto
import RefundPayCloud
import RefundTestSupport
import Testing

@testable import RefundSimulator

/// A gateway with the test keys, and what can be read from its answers.
struct TestGateway {
    private static let key = try? RSAPrivateKey(text: Array(TestKeys.gatewayPrivatePEM.utf8))
    private static let appKey = try? RSAPublicKey(text: Array(TestKeys.appPublicPEM.utf8))

    let gateway: Gateway

    init(_ book: ScenarioBook = ScenarioBook()) throws {
        gateway = Gateway(
            appID: SimulatorConfiguration.exampleAppID,
            keys: SimulatorKeys(app: [try #require(Self.appKey)], gateway: try #require(Self.key)),
            book: book
        )
    }

    /// A gateway in which every refund has this scenario.
    init(_ scenario: Scenario) throws {
        var book = ScenarioBook()
        book.standard = scenario
        try self.init(book)
    }

    func reply(to body: [UInt8], at now: Timestamp = TestQuery.now) throws -> Reply {
        try gateway.outcome(of: body, path: "/api/entry", now: now).reply
    }

    func answer(to query: TestQuery = TestQuery(), at now: Timestamp = TestQuery.now) throws -> TestAnswer {
        try TestAnswer(reply(to: query.with("timestamp", .number("\(now.milliseconds)")).signed(), at: now))
    }
}

/// The members of an answer and whether its signature is right.
struct TestAnswer {
    private static let key = try? RSAPublicKey(text: Array(TestKeys.gatewayPublicPEM.utf8))

    let members: JSONObject
    let isSigned: Bool

    init(_ reply: Reply) throws {
        guard case .answer(200, _, let body) = reply else {
            Issue.record("not an answer: \(reply)")
            throw Unreadable()
        }
        try self.init(body)
    }

    init(_ body: [UInt8]) throws {
        let members = try JSONObject(parsing: body)
        self.members = members
        let key = try #require(Self.key)
        isSigned =
            members["sign"]?.text.flatMap { Base64.decoded($0) }
            .map { key.isValid(signature: $0, for: SigningString.bytes(of: members)) } ?? false
    }

    var code: String? { members["code"]?.text }

    /// The business part, in whichever form it came.
    func data() throws -> JSONObject {
        switch members["data"] {
        case .string(let text), .object(let text): return try JSONObject(parsing: text)
        default: throw Unreadable()
        }
    }

    struct Unreadable: Error {}
}

extension JSONValue {
    /// The text of a string.
    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }
}
