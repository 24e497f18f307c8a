import RefundCore
import Testing

@testable import RefundWebhooks

struct WebhookSignatureTests {
    /// The first secret is Standard Webhooks' own; the others have 32 and 64 bytes.
    static let vectors = [
        Vector(
            secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            seconds: 1_614_265_330,
            body: #"{"test": 2432232314}"#,
            header: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        ),
        Vector(
            secret: "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            id: "msg_refundd_0001",
            seconds: 1_735_689_600,
            body: #"{"type":"refund.settled","timestamp":"2025-01-01T00:00:00Z","#
                + #""data":{"refund_id":"rf_0001","amount":"12.50","currency":"EUR","note":"café"}}"#,
            header: "v1,wkFFSur1TY49YJL7AEBqPyaCdwYHL8J18NQeeL3mfJY="
        ),
        Vector(
            secret: "whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eDf3t3c29rZ2NfW1dTT0tHQz87NzMvKycjHxsXEw8LBwA==",
            id: "msg_refundd_0002",
            seconds: 1_735_689_600,
            body: "",
            header: "v1,CNRgmL9R4rAY4VBNWxU/IC3OoxbcwZhpXZucQPXcZ04="
        ),
    ]

    @Test(arguments: vectors)
    func signatureMatchesTheVector(_ vector: Vector) throws {
        #expect(vector.header(secrets: [try WebhookSecret(vector.secret)]) == vector.header)
    }

    @Test func twoSecretsMakeTwoSignaturesInTheirOrder() throws {
        let vector = Self.vectors[0]
        let first = try WebhookSecret(vector.secret)
        let second = try WebhookSecret(Self.vectors[1].secret)
        let other = vector.header(secrets: [second])
        #expect(other != vector.header)
        #expect(vector.header(secrets: [first, second]) == "\(vector.header) \(other)")
        #expect(vector.header(secrets: [second, first]) == "\(other) \(vector.header)")
    }
}

extension WebhookSignatureTests {
    struct Vector: Sendable {
        var secret: String
        var id: String
        var seconds: Int64
        var body: String
        var header: String

        func header(secrets: [WebhookSecret]) -> String {
            WebhookSignature.header(id: id, timestamp: String(seconds), body: Array(body.utf8), secrets: secrets)
        }
    }
}
