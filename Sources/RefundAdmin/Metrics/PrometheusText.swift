/// The spelling rules of the Prometheus text exposition format, version 0.0.4.
///
/// Source: <https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md> and
/// <https://prometheus.io/docs/concepts/data_model/>.
enum PrometheusText {
    /// A metric's name: what is not a letter, digit, `_` or `:` becomes `_`, and so does a leading digit.
    static func metricName(_ name: String) -> String {
        sanitised(name) { $0 == UInt8(ascii: ":") }
    }

    /// A label's name: as a metric's, but without `:`.
    ///
    /// The label `le` belongs to histograms, so a program's own gets a `_`.
    static func labelName(_ name: String) -> String {
        let name = sanitised(name) { _ in false }
        return name == "le" ? "le_" : name
    }

    /// The labels as they stand between braces: sorted by name, each name once (the last value wins), no braces.
    static func labels(_ dimensions: [(String, String)]) -> String {
        var values: [String: String] = [:]
        for (name, value) in dimensions { values[labelName(name)] = value }
        return values.sorted { $0.key < $1.key }
            .map { "\($0.key)=\"\(escaped($0.value, quotes: true))\"" }
            .joined(separator: ",")
    }

    /// The text of a `# HELP` line.
    static func help(_ text: String) -> String {
        escaped(text, quotes: false)
    }

    /// One sample's line.
    static func sample(_ name: String, labels: String, _ value: Double) -> String {
        labels.isEmpty ? "\(name) \(number(value))\n" : "\(name){\(labels)} \(number(value))\n"
    }

    /// A number as Go's `ParseFloat` reads it, whole numbers without a fraction.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        guard let whole = Int64(exactly: value), value.magnitude < 1e15 else { return "\(value)" }
        return "\(whole)"
    }

    private static func sanitised(_ name: String, allows isAllowed: (UInt8) -> Bool) -> String {
        var bytes = name.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                byte
            default: isAllowed(byte) ? byte : UInt8(ascii: "_")
            }
        }
        let startsWithDigit = bytes.first.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        if startsWithDigit ?? true { bytes.insert(UInt8(ascii: "_"), at: 0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": escaped.append(contentsOf: "\\n".unicodeScalars)
            case "\"" where quotes: escaped.append(contentsOf: "\\\"".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}
