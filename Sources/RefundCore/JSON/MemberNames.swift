/// The names of an object's members so far.
///
struct MemberNames {
    // To compare a name with a few others costs less than to hash it; with many others it would take a hostile object's
    // square of time.
    private static let fewest = 24

    private var few: [String] = []
    private var many: Set<[UInt8]> = []

    /// Adds a name.
    ///
    /// - Returns: Whether it is new.
    mutating func insert(_ name: String) -> Bool {
        guard few.count < Self.fewest else {
            if many.isEmpty { many = Set(few.map { Array($0.utf8) }) }
            return many.insert(Array(name.utf8)).inserted
        }
        guard !few.contains(where: { $0.isSameText(as: name) }) else { return false }
        few.append(name)
        return true
    }
}

extension String {
    /// Whether this text has the same bytes: strings are equal already when Unicode takes them for the same, and for JSON
    /// and the gateway they are not.
    public func isSameText(as other: String) -> Bool {
        // Strings that are not even equal are told apart without going through their bytes one by one.
        self == other && utf8.elementsEqual(other.utf8)
    }
}
