package import RefundCore

extension Timestamp {
    /// Reads PayCloud's form `yyyy-MM-dd HH:mm:ss`, which is always UTC.
    ///
    /// Source: <https://developer.codepay.us/docs/BasicRules> ("all dates are in UTC+00:00").
    ///
    /// - Returns: The time, or nil when the text is not exactly of that form.
    package init?(gatewayText text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard text.utf8.count == 19, parts.count == 2, parts[0].utf8.count == 10 else { return nil }
        self.init(iso8601: "\(parts[0])T\(parts[1])")
    }
}
