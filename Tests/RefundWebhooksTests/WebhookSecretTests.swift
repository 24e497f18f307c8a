import RefundCrypto
import RefundWebhooks
import Testing

struct WebhookSecretTests {
    static func text(bytes count: Int) -> String {
        "whsec_" + Base64.encoded([UInt8](repeating: 0x5A, count: count))
    }

    @Test(arguments: [24, 25, 32, 63, 64])
    func lengthOfTheSpecificationIsAccepted(_ count: Int) throws {
        _ = try WebhookSecret(Self.text(bytes: count))
    }

    @Test(arguments: ["\n", "\r\n", "\\n", "\\n\n"])
    func oneLineBreakMayFollow(_ end: String) throws {
        _ = try WebhookSecret(Self.text(bytes: 24) + end)
    }

    @Test(arguments: [
        ("", WebhookSecretError.empty),
        ("\n", .empty),
        ("WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa", .missingPrefix),
        (" whsec_WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa", .missingPrefix),
        ("WHSEC_WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa", .missingPrefix),
        ("whsk_WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa", .missingPrefix),
        ("whsec_WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlp", .notBase64),
        ("whsec_WlpaWlpaWlpaWlpa WlpaWlpaWlpaWlpa", .notBase64),
        ("whsec_WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa ", .notBase64),
        ("whsec_WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\n\n", .notBase64),
        ("whsec_WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa\\n\\n", .notBase64),
        ("whsec_--__WlpaWlpaWlpaWlpaWlpaWlpaWlpa", .notBase64),
        ("whsec_", .tooShort(0)),
        (text(bytes: 23), .tooShort(23)),
        (text(bytes: 65), .tooLong(65)),
    ])
    func otherTextIsRejectedWithoutBeingShown(_ text: String, _ expected: WebhookSecretError) {
        #expect(throws: expected) { try WebhookSecret(text) }
        #expect(!expected.description.contains("Wlpa"))
    }

    @Test func secretIsNeverPrinted() throws {
        let secret = try WebhookSecret(Self.text(bytes: 24))
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), String(describing: [secret]), dumped] {
            #expect(!text.contains("Wlpa"))
            #expect(!text.contains("90"), "\(text) contains the bytes of the key")
        }
    }
}
