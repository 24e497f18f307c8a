import Dispatch
import RefundCrypto
import RefundTestSupport
import Synchronization
import Testing

struct RSASignatureTests {
    private let message = Array("app_id=wz715fc0d10ee9d156&timestamp=1735873100708".utf8)

    @Test func generatedKeySignsAndReloads() throws {
        let key = try RSAPrivateKey.generate()
        let signature = try key.signature(of: message)
        #expect(signature.count == 256)
        #expect(try key.publicKey.isValid(signature: signature, for: message))
        let again = try RSAPrivateKey(text: Array(key.pem.utf8))
        #expect(try again.signature(of: message) == signature)
        #expect(try again.publicKey.fingerprint == key.publicKey.fingerprint)
        #expect(try RSAPrivateKey.generate().publicKey.fingerprint != key.publicKey.fingerprint)
    }

    @Test func longerKeysWork() throws {
        let key = try RSAPrivateKey.generate(bits: 3072)
        let signature = try key.signature(of: message)
        #expect(signature.count == 384)
        #expect(try RSAPublicKey(text: Array(key.publicKey.pem.utf8)).isValid(signature: signature, for: message))
    }

    @Test(arguments: [Int.min, -1, 0, 1024, 2047])
    func shortKeysAreNotGenerated(bits: Int) {
        #expect(throws: KeyError.tooShort(bits: bits)) { try RSAPrivateKey.generate(bits: bits) }
    }

    @Test func emptyMessageCanBeSigned() throws {
        let key = try RSAPrivateKey(text: Array(TestKeys.appPrivatePEM.utf8))
        #expect(try key.publicKey.isValid(signature: key.signature(of: []), for: []))
    }

    @Test func alteredSignatureIsInvalid() throws {
        let key = try RSAPrivateKey(text: Array(TestKeys.appPrivatePEM.utf8))
        let publicKey = try key.publicKey
        let signature = try key.signature(of: message)
        var flipped = signature
        flipped[128] ^= 1
        let others: [[UInt8]] = [
            [], [0], Array(signature.dropLast()), Array(signature.dropFirst()), signature + [0], [0] + signature,
            flipped,
            [UInt8](repeating: 0, count: 256), [UInt8](repeating: 0xFF, count: 256), message,
        ]
        for other in others {
            #expect(!publicKey.isValid(signature: other, for: message))
            #expect(!KeyError.isErrorLeft)
        }
        #expect(!publicKey.isValid(signature: signature, for: []))
        #expect(publicKey.isValid(signature: signature, for: message))
    }

    @Test func threadsShareAKey() throws {
        let key = try RSAPrivateKey(text: Array(TestKeys.appPrivatePEM.utf8))
        let publicKey = try key.publicKey
        let expected = try (0..<8).map { try key.signature(of: message + [UInt8($0)]) }
        let agreed = Mutex(0)
        let group = DispatchGroup()
        // A serial queue each gives every worker a thread of its own.
        for worker in 0..<16 {
            DispatchQueue(label: "worker \(worker)").async(group: group) { [message] in
                for number in 0..<8 {
                    let text = message + [UInt8(number)]
                    let signature = try? key.signature(of: text)
                    let valid = publicKey.isValid(signature: expected[number], for: text)
                    let invalid = publicKey.isValid(signature: expected[number], for: message)
                    if signature == expected[number], valid, !invalid { agreed.withLock { $0 += 1 } }
                }
            }
        }
        group.wait()
        #expect(agreed.withLock { $0 } == 16 * 8)
    }
}
