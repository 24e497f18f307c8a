import RefundCore

extension Kind where Value == Duration {
    /// A length of time above zero: a whole number and its unit.
    static var duration: Kind {
        .text("a duration", example: "5s", read: Duration.configured, write: \.inWords)
    }
}

extension Duration {
    // Ten years of milliseconds times anything refundd multiplies with stays far below what 64 bits hold.
    private static let longestInDays: Int64 = 3_650
    // The longer unit first: every text that ends in "ms" ends in "s", too.
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// Reads a duration as the configuration writes it, for a command line; nil when the text is none.
    package init?(inWords text: String) {
        guard let duration = try? Duration.configured(text) else { return nil }
        self = duration
    }

    /// Reads a duration such as `250ms`, `5s`, `10m`, `72h` or `30d`.
    ///
    /// - Throws: When it is written otherwise, is zero, or is longer than ten years.
    @Sendable
    static func configured(_ text: String) throws(Refusal) -> Duration {
        let remedy = "write a whole number and a unit (ms, s, m, h or d), such as \"5s\""
        guard let unit = units.first(where: { text.hasSuffix($0.name) }) else {
            throw Refusal("is not a duration", remedy)
        }
        let number = text.dropLast(unit.name.count)
        guard !number.isEmpty, number.utf8.allSatisfy(UInt8.digits.contains) else {
            throw Refusal("is not a duration", remedy)
        }
        // Digits that no integer holds are too many for the bound, too.
        guard let count = Int64(number), count <= longestInDays * 86_400_000 / unit.milliseconds else {
            throw Refusal("is too long a duration", "write at most \"\(longestInDays)d\"")
        }
        guard count > 0 else { throw Refusal("is no time at all", remedy) }
        return .milliseconds(count * unit.milliseconds)
    }
}
