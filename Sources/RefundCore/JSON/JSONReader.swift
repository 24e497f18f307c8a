/// How strictly a JSON text is read.
package enum JSONSyntax: Sendable {
    /// Exactly RFC 8259.
    case strict
    /// Also accepts a byte-order mark, unescaped control characters in strings, and escapes of unpaired surrogates,
    /// which read as `surrogate`.
    case tolerant(surrogate: Unicode.Scalar)
}

extension JSONObject {
    /// Reads one JSON object (RFC 8259) and nothing else.
    ///
    /// Rejects texts that readers interpret differently: names must not repeat at any depth, and the bytes must be
    /// UTF-8.
    ///
    /// - Parameters:
    ///   - bytes: The text; the caller bounds its size.
    ///   - syntax: How strictly to read.
    /// - Throws: `JSONError` with the problem and its offset.
    package init(parsing bytes: [UInt8], _ syntax: JSONSyntax = .strict) throws(JSONError) {
        guard (try? UTF8Span(validating: bytes.span)) != nil else {
            throw JSONError(problem: "the text is not UTF-8", offset: 0)
        }
        var reader = JSONReader(bytes: bytes, syntax: syntax)
        reader.skipBlanks()
        let members = try reader.object()
        reader.skipBlanks()
        guard reader.position == bytes.count else { throw reader.error("there is more after the object") }
        self.init(members)
    }

    /// Reads one JSON object from a string.
    ///
    /// - Throws: `JSONError` with the problem and its offset.
    package init(parsing text: String, _ syntax: JSONSyntax = .strict) throws(JSONError) {
        try self.init(parsing: [UInt8](text.utf8), syntax)
    }
}

/// A one-pass reader over valid UTF-8.
struct JSONReader {
    /// Deeper nesting is refused, so that hostile text cannot exhaust the stack.
    private static let maximumDepth = 64
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private let bytes: [UInt8]
    private let replacement: Unicode.Scalar?
    private(set) var position = 0
    private var depth = 0

    init(bytes: [UInt8], syntax: JSONSyntax) {
        self.bytes = bytes
        switch syntax {
        case .strict:
            replacement = nil
        case .tolerant(let surrogate):
            replacement = surrogate
            if bytes.starts(with: Self.byteOrderMark) { position = Self.byteOrderMark.count }
        }
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
        skipBlanks()
        if skip("}") { return [] }
        // About as many as an answer has. Growing in steps would copy them about five times.
        var members: [JSONObject.Member] = []
        members.reserveCapacity(16)
        var names = MemberNames()
        repeat {
            skipBlanks()
            guard next == UInt8(ascii: "\"") else { throw error("expected the name of a member") }
            let name = try string()
            guard names.insert(name) else {
                let problem = "member \(JSONWriter.quoted(name)) is repeated"
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
        position = endOfPlainText
        // Most strings have no escape and are copied in one piece.
        if next == UInt8(ascii: "\"") {
            position += 1
            return String(decoding: bytes[start..<position - 1], as: UTF8.self)
        }
        var text: [UInt8] = []
        text.reserveCapacity(512)
        text += bytes[start..<position]
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &text)
            case 0..<0x20:
                guard replacement != nil else { throw error("a string contains an unescaped control character") }
                text.append(byte)
                position += 1
            default:
                let start = position
                position = endOfPlainText
                text += bytes[start..<position]
            }
        }
        throw error("a string does not end")
    }

    private var endOfPlainText: Int { bytes.span.endOfPlainText(from: position, or: UInt8(ascii: "\\")) }

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
        let unit = try codeUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        let end = position
        if (0xD800...0xDBFF).contains(unit), skip("\\"), skip("u") {
            let low = try codeUnit()
            if (0xDC00...0xDFFF).contains(low),
                let scalar = Unicode.Scalar(0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(low) - 0xDC00))
            {
                return scalar
            }
        }
        guard let replacement else { throw error("an unpaired surrogate") }
        position = end
        return replacement
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

/// The names of an object's members so far.
struct MemberNames {
    // Comparing a name with a few others costs less than hashing it. With many, a hostile object would cost quadratic
    // time.
    private static let fewest = 24

    private var few: [String] = []
    private var many: Set<[UInt8]> = []

    init() {
        few.reserveCapacity(Self.fewest)
    }

    /// Adds a name.
    ///
    /// - Returns: Whether it is new.
    mutating func insert(_ name: String) -> Bool {
        guard few.count < Self.fewest else {
            if many.isEmpty { many = Set(few.map { Array($0.utf8) }) }
            return many.insert(Array(name.utf8)).inserted
        }
        guard !few.contains(where: { $0.hasSameBytes(as: name) }) else { return false }
        few.append(name)
        return true
    }
}
