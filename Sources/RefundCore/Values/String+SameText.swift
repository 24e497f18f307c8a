extension String {
    /// Whether this text has the same bytes: strings are equal already when Unicode takes them for the same, and for JSON
    /// and the gateway they are not.
    package func isSameText(as other: String) -> Bool {
        let (bytes, others) = (utf8.span, other.utf8.span)
        guard bytes.count == others.count else { return false }
        for index in bytes.indices where bytes[index] != others[index] { return false }
        return true
    }
}
