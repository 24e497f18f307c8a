/// An operator's verdict on a refund that needs attention.
package enum Verdict: String, Sendable, CaseIterable {
    /// The refund was paid out.
    case settled
    /// The refund was not paid out and will not be.
    case failed
}
