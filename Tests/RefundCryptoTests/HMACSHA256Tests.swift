import RefundCrypto
import Testing

struct HMACSHA256Tests {
    /// Webhooks signed by the `v1` scheme of Standard Webhooks (<https://www.standardwebhooks.com>).
    static let webhooks: [(secret: String, message: String, code: String)] = [
        (
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", #"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#,
            "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        ),
        (
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            #"msg_refundd_0001.1735689600.{"type":"refund.settled","timestamp":"2025-01-01T00:00:00Z","#
                + #""data":{"refund_id":"rf_0001","amount":"12.50","currency":"EUR","note":"café"}}"#,
            "wkFFSur1TY49YJL7AEBqPyaCdwYHL8J18NQeeL3mfJY="
        ),
        (
            "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eDf3t3c29rZ2NfW1dTT0tHQz87NzMvKycjHxsXEw8LBwA==",
            "msg_refundd_0002.1735689600.", "CNRgmL9R4rAY4VBNWxU/IC3OoxbcwZhpXZucQPXcZ04="
        ),
    ]

    @Test(arguments: webhooks)
    func signsAWebhook(secret: String, message: String, code: String) throws {
        let key = try #require(Base64.decoded(secret))
        #expect(Base64.encoded(HMACSHA256.code(for: Array(message.utf8), key: key)) == code)
    }

    /// Cases 1, 2 and 6 of RFC 4231: a usual key, a short one, and one that is longer than a block.
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0B, count: 20), "Hi There",
            "sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/c="
        ),
        (Array("Jefe".utf8), "what do ya want for nothing?", "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="),
        (
            [UInt8](repeating: 0xAA, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
            "YOQxWR7gtn8Niiaqy/W3f44LxiE3KMUUBUYEDw7jf1Q="
        ),
    ])
    func agreesWithTheRFC(key: [UInt8], message: String, code: String) {
        #expect(Base64.encoded(HMACSHA256.code(for: Array(message.utf8), key: key)) == code)
    }

    @Test func emptyKeyAndMessageAreAccepted() {
        #expect(Base64.encoded(HMACSHA256.code(for: [], key: [])) == "thNnmggU2ex3L5XXeMNfxf8Wl8STcVZTxscSFEKSxa0=")
    }

    @Test func dependsOnEveryByteOfTheKey() {
        let message = Array("message".utf8)
        #expect(HMACSHA256.code(for: message, key: [1, 2, 3]) != HMACSHA256.code(for: message, key: [1, 2, 4]))
        #expect(HMACSHA256.code(for: message, key: [1, 2, 3]) != HMACSHA256.code(for: message, key: [1, 2]))
    }
}
