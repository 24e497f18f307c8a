import RefundCrypto
import RefundTestSupport
import Testing

struct KeyContainerTests {
    private let message = Array("merchant_no=312100007235".utf8)

    @Test func privateKeysLoadFromEveryContainer() throws {
        let expected = try RSAPrivateKey(text: Array(TestKeys.appPrivatePEM.utf8)).signature(of: message)
        for container in try KeyTexts.privateContainers(of: TestKeys.appPrivatePEM) {
            #expect(throws: Never.self, "\(container.name)") {
                let key = try RSAPrivateKey(text: Array(container.text.utf8))
                #expect(try key.signature(of: message) == expected, "\(container.name)")
            }
        }
    }

    @Test func escapedLineBreaksAreLineBreaks() throws {
        let expected = try RSAPrivateKey(text: Array(TestKeys.appPrivatePEM.utf8)).signature(of: message)
        for container in try KeyTexts.privateContainers(of: TestKeys.appPrivatePEM) {
            let escaped = container.text.replacing("\n", with: "\\n")
            let signature = try? RSAPrivateKey(text: Array(escaped.utf8)).signature(of: message)
            #expect(signature == expected, "\(container.name)")
        }
    }

    @Test func publicKeysLoadFromEveryContainer() throws {
        let expected = try RSAPublicKey(text: Array(TestKeys.appPublicPEM.utf8)).fingerprint
        for container in try KeyTexts.publicContainers(of: TestKeys.appPublicPEM) {
            #expect(throws: Never.self, "\(container.name)") {
                let key = try RSAPublicKey(text: Array(container.text.utf8))
                #expect(key.fingerprint == expected, "\(container.name)")
            }
        }
    }

    @Test func privateKeysAreWrittenAsPKCS8() throws {
        let pkcs1 = try KeyTexts.pkcs1(ofPrivate: TestKeys.appPrivatePEM)
        let key = try RSAPrivateKey(text: Array(KeyTexts.pem("RSA PRIVATE KEY", pkcs1).utf8))
        #expect(try key.pem == TestKeys.appPrivatePEM)
    }

    @Test func publicKeysAreWrittenAsSubjectPublicKeyInfo() throws {
        let key = try RSAPrivateKey(text: Array(TestKeys.appPrivatePEM.utf8)).publicKey
        #expect(try key.pem == TestKeys.appPublicPEM)
        #expect(try RSAPublicKey(text: Array(key.pem.utf8)).fingerprint == key.fingerprint)
    }
}
