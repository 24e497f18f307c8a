import RefundCore

/// The `code` of an answer and its meaning.
///
/// Only the code counts, never the message: "does not exist" is in the message of `E07303` too, which refuses the
/// application.
///
/// Sources: `0` and the form of the message are in the vendor's Java SDK `paycloud-open/wise-paycloud-open-api-sdk-java`
/// 3.1.2; integrators quote the other codes from the platform's response-code page and saw them live. No complete list is
/// public, so any other code says nothing about the refund.
struct AnswerCode: Hashable {
    /// What a code says about the query.
    enum Meaning: Hashable {
        /// The query succeeded, and `data` contains the result.
        case answered
        /// The gateway has no such order.
        case unknownOrder
        /// The gateway refuses the application: its signature, its protocol members or its permissions.
        case credentialsRefused
        /// Anything else.
        case other
    }

    // `E04111` (merchant order number) and `E04110` (transaction number) are invalid numbers, `ET002` and `ET003` missing
    // transactions, `M010` a missing original transaction.
    private static let unknownOrder: Set = ["E04111", "E04110", "ET002", "ET003", "M010"]
    /// The code for a wrong signature of ours.
    static let wrongSignature = "SYS002"
    // `SYS011`: missing protocol members.
    private static let credentialsRefused: Set = [wrongSignature, "SYS011"]
    // `E07303`: an API that the application may not call.
    private static let authorisationFamily = "E07"
    private static let maximumLength = 32

    /// The code as text, such as `"0"` or `"E04111"`.
    let text: String

    /// Reads a code from the member of an answer, a string or a number.
    ///
    /// Signing strings join members without escaping, so that a `code` which contains its neighbours would verify too. Its
    /// form rules that out.
    ///
    /// - Returns: Nil for anything but 1 to 32 letters, digits, `_` and `-`.
    init?(_ value: JSONValue?) {
        guard let text = value?.text, text.utf8.count <= Self.maximumLength,
            text.utf8.allSatisfy({ byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            })
        else { return nil }
        self.text = text
    }

    /// What the code says about the query.
    var meaning: Meaning {
        if text == "0" { return .answered }
        if Self.unknownOrder.contains(text) { return .unknownOrder }
        let isRefusal = Self.credentialsRefused.contains(text) || text.hasPrefix(Self.authorisationFamily)
        return isRefusal ? .credentialsRefused : .other
    }
}
