/// Writes JSON: what refundd sends, and what its commands print with `--json`.
package struct JSONWriter: Sendable {
    /// The UTF-8 bytes of the text written so far.
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// Creates an empty text.
    package init() {
        // Most texts are about as long as an event's body. Growing in steps would copy them about ten times.
        bytes.reserveCapacity(1_024)
    }

    /// The text written so far.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Writes an object.
    ///
    /// - Parameters:
    ///   - name: Its name inside the object around it, or nil in an array or at the top.
    ///   - content: Writes the members.
    package mutating func object(_ name: String? = nil, _ content: (inout JSONWriter) throws -> Void) rethrows {
        try nested(name, "{", "}", content)
    }

    /// Writes an array.
    ///
    /// - Parameters:
    ///   - name: Its name inside the object around it, or nil in an array or at the top.
    ///   - content: Writes the elements.
    package mutating func array(_ name: String? = nil, _ content: (inout JSONWriter) throws -> Void) rethrows {
        try nested(name, "[", "]", content)
    }

    /// Writes an array of strings.
    package mutating func strings(_ name: String? = nil, _ values: some Sequence<String>) {
        array(name) { json in
            for value in values { json.string(nil, value) }
        }
    }

    /// Writes a string, or null.
    package mutating func string(_ name: String? = nil, _ value: String?) {
        guard let value else { return raw(name, "null") }
        separate(name)
        Self.quote(value, into: &bytes)
        needsComma = true
    }

    /// Writes a whole number, or null.
    package mutating func number(_ name: String? = nil, _ value: (some BinaryInteger)?) {
        raw(name, value.map { String($0) } ?? "null")
    }

    /// Writes `true` or `false`.
    package mutating func bool(_ name: String? = nil, _ value: Bool) {
        raw(name, value ? "true" : "false")
    }

    /// Writes a value given as JSON text.
    package mutating func raw(_ name: String? = nil, _ json: String) {
        separate(name)
        Self.append(json, to: &bytes)
        needsComma = true
    }

    private mutating func nested(
        _ name: String?,
        _ open: String,
        _ close: String,
        _ content: (inout JSONWriter) throws -> Void
    ) rethrows {
        separate(name)
        Self.append(open, to: &bytes)
        needsComma = false
        try content(&self)
        Self.append(close, to: &bytes)
        needsComma = true
    }

    private mutating func separate(_ name: String?) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        guard let name else { return }
        Self.quote(name, into: &bytes)
        bytes.append(UInt8(ascii: ":"))
    }

    /// A string as JSON text, with its quotation marks.
    package static func quoted(_ value: String) -> String {
        var bytes: [UInt8] = []
        quote(value, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func quote(_ value: String, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        let text = value.utf8.span
        if text.endOfPlainText(from: 0, or: 0x7F) < text.count {
            for byte in value.utf8 { escape(byte, into: &bytes) }
        } else {
            append(value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    // Appending the view of the bytes would take twice as long.
    private static func append(_ text: String, to bytes: inout [UInt8]) {
        var text = text
        text.withUTF8 { unsafe bytes.append(contentsOf: $0) }
    }

    private static func escape(_ byte: UInt8, into bytes: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
        case 0x0A: bytes += "\\n".utf8
        case 0x0D: bytes += "\\r".utf8
        case 0x09: bytes += "\\t".utf8
        case 0..<0x20, 0x7F: bytes += ("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)).utf8
        default: bytes.append(byte)
        }
    }
}
