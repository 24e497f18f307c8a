import RefundCore

extension Refund {
    /// Whether its gateway does not know the refund's number, and nobody has been told yet.
    var mayBeMistyped: Bool { isUnknownOrder && state == .pending && attention == nil }
}

extension RefundReport {
    /// What to do about a number that the gateway does not know, long before it needs attention.
    func unknownOrder(_ width: Int) -> [Line] {
        guard refund.mayBeMistyped else { return [] }
        let text =
            "The gateway does not know this number. If the refund was never submitted under it, abandon it here,"
            + " then enqueue the right one"
        return text.wrapped(to: width).map { Line($0, .warning) }
            + [Line("  run: refundd abandon \(refund.argument) --reason TEXT"), Line("")]
    }
}
