import RefundCrypto
import Testing

struct Base64Tests {
    /// Texts and bytes of RFC 4648, section 10, and both digits that the URL-safe alphabet changes.
    static let pairs: [(text: String, bytes: [UInt8])] = [
        ("", []),
        ("Zg==", Array("f".utf8)),
        ("Zm8=", Array("fo".utf8)),
        ("Zm9v", Array("foo".utf8)),
        ("Zm9vYg==", Array("foob".utf8)),
        ("Zm9vYmE=", Array("fooba".utf8)),
        ("Zm9vYmFy", Array("foobar".utf8)),
        ("AAAA", [0, 0, 0]),
        ("////", [255, 255, 255]),
        ("++++", [0xFB, 0xEF, 0xBE]),
        ("/w==", [255]),
    ]

    @Test(arguments: pairs)
    func encodingHasPadding(text: String, bytes: [UInt8]) {
        #expect(Base64.encoded(bytes) == text)
    }

    @Test(arguments: pairs)
    func decodesWhatItEncodes(text: String, bytes: [UInt8]) {
        #expect(Base64.decoded(text) == bytes)
        #expect(Base64.decoded(text[...]) == bytes)
    }

    @Test func everyByteSurvivesAtEveryOffset() {
        let bytes = Array(UInt8.min...UInt8.max)
        for start in 0..<3 {
            for end in (bytes.count - 3)...bytes.count {
                let part = Array(bytes[start..<end])
                #expect(Base64.decoded(Base64.encoded(part)) == part)
            }
        }
    }

    @Test(arguments: [
        "Zg", "Zg=", "Zg===", "Z", "Zm9vY", "Zm9vYg", "=", "==", "===", "====", "Z===", "Zg==Zg==", "Zm8=Zm8=", "Z=g=",
        "=Zg=",
        "Zm9=v", "Zm9v====", "Zm9v=", "Zm 9v", " Zm9v", "Zm9v ", "Zm9v\n", "Zm9v\r\n", "Zm9v\nYmFy", "Zm9\n",
        "\n\n\n\n",
        "--__", "-___", "Zm9-", "Zm9_", "Zm9!", "Zm9\0", "Zm9é", "Zm\u{301}", "Ｚm9v", "Zm9v\u{FEFF}",
    ])
    func otherTextIsRefused(text: String) {
        #expect(Base64.decoded(text) == nil)
    }

    @Test(arguments: ["Zh==", "Zv==", "Z/==", "Zm9=", "Zm+=", "Zm/=", "AAAAAB==", "AAAAAAB="])
    func secondSpellingOfTheSameBytesIsRefused(text: String) {
        #expect(Base64.decoded(text) == nil)
    }
}
