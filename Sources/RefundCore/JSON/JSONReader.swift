extension JSONObject {
    /// Reads one JSON object (RFC 8259) and nothing else.
    ///
    /// Stricter than most readers where leniency would let two texts be taken for one: names must not repeat at any
    /// depth, bytes must be UTF-8, and unpaired surrogate escapes are refused.
    ///
    /// - Parameter bytes: The text; the caller bounds its size.
    /// - Throws: `JSONError` with what is wrong and where.
    package init(parsing bytes: [UInt8]) throws(JSONError) {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw JSONError(problem: "the text is not UTF-8", offset: 0)
        }
        var reader = JSONReader(bytes: bytes)
        reader.skipBlanks()
        let members = try reader.object()
        reader.skipBlanks()
        guard reader.position == bytes.count else { throw reader.error("there is more after the object") }
        self.init(members)
    }

    /// Reads one JSON object from a text.
    ///
    /// - Throws: `JSONError` with what is wrong and where.
    package init(parsing text: String) throws(JSONError) {
        try self.init(parsing: [UInt8](text.utf8))
    }
}

/// A one-pass reader over bytes that are known to be UTF-8.
struct JSONReader {
    /// Deeper nesting is refused, so that hostile text cannot exhaust the stack.
    private static let maximumDepth = 64

    private let bytes: [UInt8]
    private(set) var position = 0
    private var depth = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    func error(_ problem: String) -> JSONError {
        JSONError(problem: problem, offset: position)
    }

    private var next: UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    mutating func object() throws(JSONError) -> [JSONObject.Member] {
        guard skip("{") else { throw error("expected an object") }
        try descend()
        defer { depth -= 1 }
        var members: [JSONObject.Member] = []
        var names = MemberNames()
        skipBlanks()
        if skip("}") { return members }
        repeat {
            skipBlanks()
            guard next == UInt8(ascii: "\"") else { throw error("expected the name of a member") }
            let name = try string()
            guard names.insert(name) else {
                let problem = "member \(JSONText.quoted(name)) stands twice"
                throw JSONError(problem: problem, offset: position, isRepeatedName: true)
            }
            skipBlanks()
            guard skip(":") else { throw error("expected a colon") }
            skipBlanks()
            members.append(JSONObject.Member(name: name, value: try value()))
            skipBlanks()
        } while skip(",")
        guard skip("}") else { throw error("expected a comma or the end of the object") }
        return members
    }

    private mutating func array() throws(JSONError) {
        guard skip("[") else { throw error("expected an array") }
        try descend()
        defer { depth -= 1 }
        skipBlanks()
        if skip("]") { return }
        repeat {
            skipBlanks()
            _ = try value()
            skipBlanks()
        } while skip(",")
        guard skip("]") else { throw error("expected a comma or the end of the array") }
    }

    private mutating func descend() throws(JSONError) {
        depth += 1
        guard depth <= Self.maximumDepth else { throw error("nested deeper than \(Self.maximumDepth) levels") }
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        let start = position
        switch next {
        case UInt8(ascii: "\""):
            return .string(try string())
        case UInt8(ascii: "{"):
            _ = try object()
            return .object(String(decoding: bytes[start..<position], as: UTF8.self))
        case UInt8(ascii: "["):
            try array()
            return .array(String(decoding: bytes[start..<position], as: UTF8.self))
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        default:
            try number()
            return .number(String(decoding: bytes[start..<position], as: UTF8.self))
        }
    }

    private mutating func word(_ word: String) throws(JSONError) {
        guard bytes[position...].starts(with: word.utf8) else { throw error("expected a value") }
        position += word.utf8.count
    }

    private mutating func number() throws(JSONError) {
        _ = skip("-")
        if !skip("0") { try digits("expected a value") }
        if skip(".") { try digits("expected a digit after the point") }
        if skip("e") || skip("E") {
            if !skip("+") { _ = skip("-") }
            try digits("expected a digit in the exponent")
        }
    }

    private mutating func digits(_ problem: String) throws(JSONError) {
        let start = position
        while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
        guard position > start else { throw error(problem) }
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
        // Most strings hold no escape and are taken over in one piece.
        if next == UInt8(ascii: "\"") {
            position += 1
            return String(decoding: bytes[start..<position - 1], as: UTF8.self)
        }
        var text = Array(bytes[start..<position])
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &text)
            case 0..<0x20:
                throw error("a control character stands unescaped in a string")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw error("a string does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard let byte = next else { throw error("a string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: Character(try unicodeScalar()).utf8)
        default: throw error("unknown escape")
        }
    }

    private mutating func unicodeScalar() throws(JSONError) -> Unicode.Scalar {
        let high = try codeUnit()
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard (0xD800...0xDBFF).contains(high), skip("\\"), skip("u") else { throw error("an unpaired surrogate") }
        let low = try codeUnit()
        guard (0xDC00...0xDFFF).contains(low) else { throw error("an unpaired surrogate") }
        let value = 0x10000 + (UInt32(high) - 0xD800) << 10 + (UInt32(low) - 0xDC00)
        guard let scalar = Unicode.Scalar(value) else { throw error("an unpaired surrogate") }
        return scalar
    }

    private mutating func codeUnit() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw error("expected four hexadecimal digits")
            }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }
}
