import RefundCrypto
import RefundTestSupport
import Testing

struct KeyRefusalTests {
    @Test(arguments: Refusal.inPlaceOfAPrivateKey + Refusal.inPlaceOfAnyKey)
    func anythingButAPrivateKeyIsRefused(refusal: Refusal) {
        let error = #expect(throws: KeyError.self) { try RSAPrivateKey(text: Array(refusal.text.utf8)) }
        #expect(error == refusal.error)
        #expect(!KeyError.isErrorLeft)
    }

    @Test(arguments: Refusal.inPlaceOfAPublicKey + Refusal.inPlaceOfAnyKey)
    func anythingButAPublicKeyIsRefused(refusal: Refusal) {
        let error = #expect(throws: KeyError.self) { try RSAPublicKey(text: Array(refusal.text.utf8)) }
        #expect(error == refusal.error)
        #expect(!KeyError.isErrorLeft)
    }

    @Test(arguments: Refusal.inPlaceOfAPrivateKey.filter(\.isOnePlainBlock))
    func bareBase64IsRefusedForTheSameReason(refusal: Refusal) throws {
        let base64 = Base64.encoded(try KeyTexts.der(of: refusal.text))
        #expect(throws: refusal.error) { try RSAPrivateKey(text: Array(base64.utf8)) }
    }

    @Test(arguments: Refusal.inPlaceOfAPrivateKey + Refusal.inPlaceOfAPublicKey + Refusal.inPlaceOfAnyKey)
    func errorsAreSentencesWithoutKeyMaterial(refusal: Refusal) {
        let sentence = refusal.error.description
        #expect(sentence.hasSuffix("."))
        let lines = refusal.text.split(separator: "\n").filter { $0.utf8.count > 20 && !$0.hasPrefix("-----") }
        #expect(!lines.contains { sentence.contains($0) })
    }

    @Test func binaryTextIsRefused() throws {
        let der = try KeyTexts.der(of: TestKeys.appPrivatePEM)
        #expect(throws: KeyError.notAKey) { try RSAPrivateKey(text: der) }
        #expect(throws: KeyError.notAKey) { try RSAPublicKey(text: [0xFF, 0xFE, 0x2D, 0x00]) }
    }

    @Test func truncatedKeyIsRefused() throws {
        let pkcs8 = try KeyTexts.der(of: TestKeys.appPrivatePEM)
        for count in [1, 2, 4, 10, 25, 26, 27, 100, 500, pkcs8.count - 1] {
            let text = Array(Base64.encoded(Array(pkcs8.prefix(count))).utf8)
            #expect(throws: KeyError.notAKey) { try RSAPrivateKey(text: text) }
        }
        let info = try KeyTexts.der(of: TestKeys.appPublicPEM)
        for count in [1, 2, 4, 10, 23, 24, 25, 100, info.count - 1] {
            let text = Array(Base64.encoded(Array(info.prefix(count))).utf8)
            #expect(throws: KeyError.notAKey) { try RSAPublicKey(text: text) }
        }
    }

    @Test func trailingBytesAreRefused() throws {
        let pem = TestKeys.appPrivatePEM
        for key in [try KeyTexts.der(of: pem), try KeyTexts.pkcs1(ofPrivate: pem)] {
            let text = Array(Base64.encoded(key + [0]).utf8)
            #expect(throws: KeyError.trailingData) { try RSAPrivateKey(text: text) }
        }
        let text = Array(Base64.encoded(try KeyTexts.der(of: TestKeys.appPublicPEM) + [0, 0]).utf8)
        #expect(throws: KeyError.trailingData) { try RSAPublicKey(text: text) }
    }

    @Test func keyWithAWrongNumberIsRefused() throws {
        // One bit in the middle of the private exponent, and the lowest one of the modulus, which makes it even.
        var pkcs1 = try KeyTexts.pkcs1(ofPrivate: TestKeys.appPrivatePEM)
        pkcs1[400] ^= 1
        #expect(throws: KeyError.damaged) { try RSAPrivateKey(text: Array(Base64.encoded(pkcs1).utf8)) }
        var info = try KeyTexts.der(of: TestKeys.appPublicPEM)
        info[info.count - 6] ^= 1
        #expect(throws: KeyError.damaged) { try RSAPublicKey(text: Array(Base64.encoded(info).utf8)) }
    }
}
