/// Writes JSON text: what refundd sends, and what its commands print with `--json`.
public struct JSONText: Sendable {
    /// The text written so far.
    public private(set) var text = ""
    private var needsComma = false

    /// Creates an empty text.
    public init() {}

    /// Writes an object.
    ///
    /// - Parameters:
    ///   - name: Its name inside the object around it, or nil in an array or at the top.
    ///   - content: Writes the members.
    public mutating func object(_ name: String? = nil, _ content: (inout JSONText) throws -> Void) rethrows {
        try nested(name, "{", "}", content)
    }

    /// Writes an array.
    ///
    /// - Parameters:
    ///   - name: Its name inside the object around it, or nil in an array or at the top.
    ///   - content: Writes the elements.
    public mutating func array(_ name: String? = nil, _ content: (inout JSONText) throws -> Void) rethrows {
        try nested(name, "[", "]", content)
    }

    /// Writes a string, or null.
    public mutating func string(_ name: String? = nil, _ value: String?) {
        raw(name, value.map(Self.quoted) ?? "null")
    }

    /// Writes a whole number, or null.
    public mutating func number(_ name: String? = nil, _ value: (some BinaryInteger)?) {
        raw(name, value.map { String($0) } ?? "null")
    }

    /// Writes `true` or `false`.
    public mutating func bool(_ name: String? = nil, _ value: Bool) {
        raw(name, value ? "true" : "false")
    }

    /// Writes a value whose JSON text is known already.
    public mutating func raw(_ name: String? = nil, _ json: String) {
        separate(name)
        text += json
        needsComma = true
    }

    private mutating func nested(
        _ name: String?,
        _ open: String,
        _ close: String,
        _ content: (inout JSONText) throws -> Void
    ) rethrows {
        separate(name)
        text += open
        needsComma = false
        try content(&self)
        text += close
        needsComma = true
    }

    private mutating func separate(_ name: String?) {
        if needsComma { text += "," }
        if let name { text += Self.quoted(name) + ":" }
    }

    /// A string as JSON text, with its quotation marks.
    public static func quoted(_ value: String) -> String {
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        bytes.reserveCapacity(value.utf8.count + 2)
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x0A: bytes += Array("\\n".utf8)
            case 0x0D: bytes += Array("\\r".utf8)
            case 0x09: bytes += Array("\\t".utf8)
            case 0..<0x20, 0x7F: bytes += Array(("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)).utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        return String(decoding: bytes, as: UTF8.self)
    }
}
