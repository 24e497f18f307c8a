/// A way to spoil an answer, so that a client can be tested against gateways, networks and attackers that misbehave.
///
/// The raw value is the word that scenario files use.
package enum Fault: String, Sendable, CaseIterable {
    /// `sign` is well formed but made over another text.
    case wrongSignature = "wrong_signature"
    /// There is no `sign`.
    case unsigned
    /// `sign` is the empty string.
    case emptySign = "empty_sign"
    /// A rightly signed answer about another refund.
    case otherOrder = "other_order"
    /// HTTP status 429 with a page of HTML.
    case http429 = "http_429"
    /// HTTP status 503 with a page of HTML.
    case http503 = "http_503"
    /// HTTP status 200 with a page of HTML.
    case html
    /// A body that is not JSON.
    case notJSON = "not_json"
    /// A body that is not UTF-8.
    case notUTF8 = "not_utf8"
    /// Half of the body that was announced, then the end of the connection.
    case truncated
    /// A rightly signed answer of 10 MB.
    case huge
    /// A TCP reset instead of an answer.
    case reset
    /// An orderly end of the connection instead of an answer.
    case close
    /// No answer while the connection stays open, for ten minutes at most.
    case hang
    /// The member `code` stands twice.
    case duplicateMember = "duplicate_member"
    /// A rightly signed answer with a `trans_status` that nobody knows.
    case unknownStatus = "unknown_status"
    /// `SYS002`, as for a wrong signature of the application.
    case credentials
    /// `E07303`, as for an application without access to the interface; signed.
    case notAuthorised = "not_authorised"
}
