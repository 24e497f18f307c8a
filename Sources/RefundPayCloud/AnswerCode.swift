import RefundCore

/// The `code` of an answer, with what it says about the call.
///
/// Matched by code only, never by the words beside it: "does not exist" stands in the message of `E07303` too, which
/// refuses the application.
///
/// Sources: `0` and the message's form from the vendor's Java SDK `paycloud-open/wise-paycloud-open-api-sdk-java`
/// 3.1.2; the other codes as integrators of the platform quote them from its response-code page and saw them live. No
/// complete list is public, so every code that is not named here says nothing about the refund.
struct AnswerCode: Hashable {
    /// What a code says about the call.
    enum Meaning: Hashable {
        /// The call went through and `data` holds the result.
        case answered
        /// The gateway has no such order.
        case unknownOrder
        /// The gateway refuses the application: its signature, its protocol members or its rights.
        case credentialsRefused
        /// Anything else.
        case other
    }

    /// No order has the number: `E04111` (merchant order number), `E04110` (transaction number), `ET002`, `ET003`
    /// (no such transaction, no such reversed transaction) and `M010` (no original transaction).
    private static let unknownOrder: Set = ["E04111", "E04110", "ET002", "ET003", "M010"]
    /// `SYS002` (signature refused) and `SYS011` (protocol members missing).
    private static let credentialsRefused: Set = ["SYS002", "SYS011"]
    /// The authorisation family; `E07303` is an API that the application may not call.
    private static let authorisationFamily = "E07"
    private static let maximumLength = 32

    /// The code as text, such as `"0"` or `"E04111"`.
    let text: String

    /// Creates a code from the member of an answer, a string or a number.
    ///
    /// Signing strings join members without escaping, so a `code` that has swallowed its neighbours would verify too.
    /// The form is what tells them apart.
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

    /// What the code says about the call.
    var meaning: Meaning {
        if text == "0" { return .answered }
        if Self.unknownOrder.contains(text) { return .unknownOrder }
        let isRefusal = Self.credentialsRefused.contains(text) || text.hasPrefix(Self.authorisationFamily)
        return isRefusal ? .credentialsRefused : .other
    }
}
