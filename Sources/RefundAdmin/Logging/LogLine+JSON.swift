import Logging
import RefundCore

extension LogLine {
    /// The event as one JSON object without the line's end.
    ///
    /// An object that were too long is written with shorter and shorter texts, and at last without its metadata.
    var json: String {
        for fieldLimit in [Self.limit, 512, 64] {
            let text = object(fieldLimit, withMetadata: true)
            if text.utf8.count < Self.limit { return text }
        }
        return object(64, withMetadata: false)
    }

    private func object(_ fieldLimit: Int, withMetadata: Bool) -> String {
        var text = JSONText()
        text.object { text in
            text.string("time", time.iso8601)
            text.string("level", level.rawValue)
            text.string("logger", label.cut(to: fieldLimit))
            text.string("message", message.cut(to: fieldLimit))
            guard !metadata.isEmpty else { return }
            guard withMetadata else { return text.bool("cut", true) }
            text.object("metadata") { text in
                for (key, value) in sortedMetadata { value.write(to: &text, key.cut(to: fieldLimit), fieldLimit) }
            }
        }
        return Self.spellingOutControls(text.text)
    }

    // What is left of control characters stands inside strings, and all of it is in Unicode's first plane.
    private static func spellingOutControls(_ json: String) -> String {
        guard !json.utf8.allSatisfy({ $0 < 0x80 }) else { return json }
        var spelt = String.UnicodeScalarView()
        for scalar in json.unicodeScalars {
            guard scalar.misleadsTerminal else {
                spelt.append(scalar)
                continue
            }
            let digits = String(scalar.value, radix: 16)
            spelt.append(contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".unicodeScalars)
        }
        return String(spelt)
    }
}

extension Logger.MetadataValue {
    /// The value for a line of text: itself, or JSON where it holds further values.
    var plain: String {
        switch self {
        case .string(let text): return text
        case .stringConvertible(let value): return value.description
        case .dictionary, .array:
            var text = JSONText()
            write(to: &text, nil, LogLine.limit)
            return text.text
        }
    }

    func write(to text: inout JSONText, _ name: String?, _ fieldLimit: Int) {
        switch self {
        case .string, .stringConvertible: text.string(name, plain.cut(to: fieldLimit))
        case .array(let values):
            text.array(name) { text in
                for value in values { value.write(to: &text, nil, fieldLimit) }
            }
        case .dictionary(let members):
            text.object(name) { text in
                for (key, value) in members.sorted(by: { $0.key < $1.key }) {
                    value.write(to: &text, key.cut(to: fieldLimit), fieldLimit)
                }
            }
        }
    }
}
