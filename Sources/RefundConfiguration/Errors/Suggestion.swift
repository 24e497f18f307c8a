/// The known name that somebody most likely meant.
enum Suggestion {
    // Whoever writes more than this did not mistype a key.
    private static let longestName = 100

    /// The closest of some names.
    ///
    /// - Returns: A name at most two slips away (one for short names), or nil.
    static func closest(to name: String, among names: [String]) -> String? {
        guard name.utf8.count <= longestName else { return nil }
        let distances = names.map { (name: $0, distance: slips(from: name.lowercased(), to: $0.lowercased())) }
        guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= (name.utf8.count > 4 ? 2 : 1) ? best.name : nil
    }

    /// The number of letters left out, added, mistaken or swapped with their neighbour (optimal string alignment).
    private static func slips(from left: String, to right: String) -> Int {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for i in left.indices {
            var row = [i + 1]
            for j in right.indices {
                var cost = min(last[j] + (left[i] == right[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, beforeLast[j - 1] + 1)
                }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[right.count]
    }
}
