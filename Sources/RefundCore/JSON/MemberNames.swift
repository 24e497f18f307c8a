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
