extension String {
    /// Whether this text has the same bytes: strings are equal already when Unicode takes them for the same, and for JSON
    /// and the gateway they are not.
    public func isSameText(as other: String) -> Bool {
        // Strings that are not even equal are told apart without going through their bytes one by one.
        self == other && utf8.elementsEqual(other.utf8)
    }
}
