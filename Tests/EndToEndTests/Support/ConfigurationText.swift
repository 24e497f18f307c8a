/// The text of a `refundd.conf`, edited as an operator would: line by line.
struct ConfigurationText {
    private(set) var text: String

    init(_ text: String) {
        self.text = text
    }

    /// Sets a key of a section, which is added where there is none.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - value: The value as TOML has it, text in quotation marks.
    ///   - section: The section's name without brackets.
    mutating func set(_ key: String, to value: String, in section: String) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let head = lines.firstIndex(where: { $0.hasPrefix("[\(section)]") }) else {
            text += "\n[\(section)]\n\(key) = \(value)\n"
            return
        }
        let end = lines[(head + 1)...].firstIndex { $0.hasPrefix("[") } ?? lines.endIndex
        if let place = lines[head..<end].firstIndex(where: { $0.hasPrefix("\(key) =") }) {
            lines[place] = "\(key) = \(value)"
        } else {
            lines.insert("\(key) = \(value)", at: head + 1)
        }
        text = lines.joined(separator: "\n")
    }

    /// Removes a key from a section.
    mutating func remove(_ key: String, from section: String) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let head = lines.firstIndex(where: { $0.hasPrefix("[\(section)]") }) else { return }
        let end = lines[(head + 1)...].firstIndex { $0.hasPrefix("[") } ?? lines.endIndex
        guard let place = lines[head..<end].firstIndex(where: { $0.hasPrefix("\(key) =") }) else { return }
        lines.remove(at: place)
        text = lines.joined(separator: "\n")
    }

    /// Makes everything as fast as a test wants it, and quiet where a test does not ask for it.
    mutating func setPace() {
        set("max_queries_per_second", to: "500.0", in: "gateway")
        let polling = [
            "initial_interval": "\"200ms\"", "multiplier": "1.5", "max_interval": "\"600ms\"", "slow_after": "\"2h\"",
            "slow_interval": "\"1h\"", "attention_after": "\"1h\"",
        ]
        for (key, value) in polling { set(key, to: value, in: "polling") }
        set("retry_schedule", to: #"["200ms", "200ms", "200ms", "200ms"]"#, in: "webhook")
        set("listen", to: "\"\"", in: "admin")
    }
}
