import RefundCore
import RefundCrypto
import RefundPayCloud
import RefundTestSupport
import Testing

struct SigningVectorTests {
    @Test func everyVectorIsPresent() {
        #expect(SigningVectors.keys.count == 5)
        #expect(SigningVectors.requests.count == 13)
        #expect(SigningVectors.responses.count == 14)
        #expect(SigningVectors.notifications.count == 2)
    }

    @Test(arguments: SigningVectors.keys)
    func keysHaveTheirFingerprint(key: SigningVectors.Key) throws {
        #expect(try RSAPublicKey(text: Array(key.publicBase64.utf8)).fingerprint == key.fingerprint)
        if let pem = key.publicPEM {
            #expect(try RSAPublicKey(text: Array(pem.utf8)).fingerprint == key.fingerprint)
        }
        if let pem = key.privatePEM {
            #expect(try RSAPrivateKey(text: Array(pem.utf8)).publicKey.fingerprint == key.fingerprint)
        }
    }

    @Test(arguments: SigningVectors.requests)
    func requestsHaveTheirSigningString(request: SigningVectors.Request) throws {
        let bytes = SigningString.bytes(of: try JSONObject(parsing: request.rawJSON))
        #expect(String(decoding: bytes, as: UTF8.self) == request.canonical)
        #expect(bytes.count == request.canonicalLength)
        #expect(try SHA256.hexadecimal(of: bytes) == request.canonicalSHA256)
    }

    @Test(arguments: SigningVectors.requests)
    func requestsVerify(request: SigningVectors.Request) throws {
        let key = try publicKey(named: request.keyName)
        let signature = try #require(Base64.decoded(request.signature))
        let message = SigningString.bytes(of: try JSONObject(parsing: request.rawJSON))
        #expect(key.isValid(signature: signature, for: message))
        #expect(!key.isValid(signature: signature, for: message + [0x20]))
    }

    @Test(arguments: SigningVectors.requests.filter { SigningVectors.key(named: $0.keyName)?.privatePEM != nil })
    func requestsAreSignedByteForByte(request: SigningVectors.Request) throws {
        let pem = try #require(SigningVectors.key(named: request.keyName)?.privatePEM)
        let message = SigningString.bytes(of: try JSONObject(parsing: request.rawJSON))
        #expect(try Base64.encoded(RSAPrivateKey(text: Array(pem.utf8)).signature(of: message)) == request.signature)
    }

    @Test(arguments: SigningVectors.responses + SigningVectors.notifications)
    func bodiesHaveTheirSigningString(body: SigningVectors.SignedBody) throws {
        let bytes = SigningString.bytes(of: try JSONObject(parsing: body.body))
        #expect(String(decoding: bytes, as: UTF8.self) == body.canonical)
        #expect(bytes.count == body.canonicalLength)
        #expect(try SHA256.hexadecimal(of: bytes) == body.canonicalSHA256)
    }

    @Test(arguments: SigningVectors.responses + SigningVectors.notifications)
    func bodiesVerifyAsExpected(body: SigningVectors.SignedBody) throws {
        let object = try JSONObject(parsing: body.body)
        #expect(try verdict(on: object, with: publicKey(named: body.keyName)) == body.expected)
        let sign: String? = if case .string(let text) = object["sign"] { text } else { nil }
        #expect(sign == body.signature)
    }

    @Test(arguments: (SigningVectors.responses + SigningVectors.notifications).filter { $0.expected == .valid })
    func validBodiesAreSignedByteForByte(body: SigningVectors.SignedBody) throws {
        let pem = try #require(SigningVectors.key(named: body.keyName)?.privatePEM)
        let message = SigningString.bytes(of: try JSONObject(parsing: body.body))
        #expect(try Base64.encoded(RSAPrivateKey(text: Array(pem.utf8)).signature(of: message)) == body.signature)
    }

    @Test(arguments: SigningVectors.responses.filter { $0.expected == .valid })
    func anotherKeyVerifiesNothing(body: SigningVectors.SignedBody) throws {
        let wrong = try RSAPublicKey(text: Array(TestKeys.wrongPublicPEM.utf8))
        #expect(try verdict(on: JSONObject(parsing: body.body), with: wrong) == .invalid)
    }

    private func publicKey(named name: String) throws -> RSAPublicKey {
        let key = try #require(SigningVectors.key(named: name))
        return try RSAPublicKey(text: Array(key.publicBase64.utf8))
    }

    private func verdict(on object: JSONObject, with key: RSAPublicKey) -> SigningVectors.Verdict {
        guard case .string(let sign) = object["sign"], !sign.isEmpty else { return .unsigned }
        guard let signature = Base64.decoded(sign) else { return .invalid }
        return key.isValid(signature: signature, for: SigningString.bytes(of: object)) ? .valid : .invalid
    }
}
