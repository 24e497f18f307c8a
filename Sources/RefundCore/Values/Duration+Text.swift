extension Duration {
    // Ten years in milliseconds, times any factor refundd applies, stays far below the 64-bit limit.
    private static let longestMilliseconds: Int64 = 3_650 * 86_400_000

    /// Reads a duration such as `250ms`, `5s`, `10m`, `72h` or `30d`, from zero to ten years (`3650d`).
    ///
    /// The configuration and the command line share this notation.
    ///
    /// - Parameter text: ASCII digits and one unit; the result is nil for any other text.
    package init?(_ text: String) {
        var digits = Substring(text)
        let milliseconds: Int64
        switch (digits.popLast(), digits.last) {
        case ("s", "m"):
            digits.removeLast()
            milliseconds = 1
        case ("s", _): milliseconds = 1_000
        case ("m", _): milliseconds = 60_000
        case ("h", _): milliseconds = 3_600_000
        case ("d", _): milliseconds = 86_400_000
        default: return nil
        }
        guard digits.utf8.allSatisfy({ $0.decimalDigit != nil }), let count = Int64(digits),
            count <= Self.longestMilliseconds / milliseconds
        else { return nil }
        self = .milliseconds(count * milliseconds)
    }

    /// The duration in the largest unit that divides it, such as `72h`, `90s` or `250ms`; days start at `7d`.
    package var formatted: String {
        let milliseconds = wholeMilliseconds
        for (unit, size) in [("d", 86_400_000 as Int64), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)]
        where milliseconds != 0 && milliseconds % size == 0 && (unit != "d" || milliseconds >= 7 * size) {
            return "\(milliseconds / size)\(unit)"
        }
        return "\(milliseconds)ms"
    }

    /// The duration rounded down to its largest unit: `3d`, `5h`, `12m`, `8s`.
    package var rounded: String {
        let seconds = wholeMilliseconds / 1_000
        for (unit, size) in [("d", 86_400 as Int64), ("h", 3_600), ("m", 60)] where seconds >= 2 * size {
            return "\(seconds / size)\(unit)"
        }
        return "\(max(seconds, 0))s"
    }
}
