import RefundCore

/// A JSON object whose strings and numbers keep their text, to lay it out as other programs do.
package indirect enum JSONTree: Hashable, Sendable {
    case text(String)
    case array([JSONTree])
    case object([Member])

    package struct Member: Hashable, Sendable {
        /// The name with its quotation marks.
        var name: String
        var value: JSONTree
    }

    /// How a program writes JSON.
    struct Layout: Sendable {
        var afterComma = ""
        var afterColon = ""
        /// The blanks of each level; nil to stay on one line.
        var indent: String?
        /// Writes a string, which has its quotation marks.
        var string: @Sendable (String) -> String = { $0 }
    }

    /// An object on one line, in the order of its members.
    ///
    /// - Returns: The bytes themselves if they are one line; nil if they are no JSON object.
    package static func oneLine(_ bytes: [UInt8]) -> String? {
        guard let tree = JSONTree(bytes) else { return nil }
        let isOneLine = !bytes.contains(0x0A) && !bytes.contains(0x0D)
        return isOneLine ? String(decoding: bytes, as: UTF8.self) : tree.written(as: Layout())
    }

    /// Reads an object; nil if the bytes are anything else.
    init?(_ bytes: [UInt8]) {
        guard let object = try? JSONObject(parsing: bytes) else { return nil }
        self.init(object)
    }

    private init(_ object: JSONObject) {
        self = .object(object.members.map { Member(name: JSONWriter.quoted($0.name), value: JSONTree($0.value)) })
    }

    private init(_ value: JSONValue) {
        switch value {
        case .string(let text): self = .text(JSONWriter.quoted(text))
        case .number(let text): self = .text(text)
        case .bool(let value): self = .text(value ? "true" : "false")
        case .null: self = .text("null")
        case .object(let text): self = (try? JSONObject(parsing: text)).map { JSONTree($0) } ?? .text(text)
        case .array(let text): self = JSONTree(array: text)
        }
    }

    // The reader takes objects only, and members in an array have no names.
    private init(array text: String) {
        var elements: [JSONTree] = []
        var (depth, isString, isEscaped, start) = (0, false, false, 1)
        let bytes = Array(text.utf8)
        for (index, byte) in bytes.enumerated() {
            if isString {
                if !isEscaped, byte == UInt8(ascii: "\"") { isString = false }
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
            guard depth == 0 || (depth == 1 && byte == UInt8(ascii: ",")) else { continue }
            let element = "{\"\":" + String(decoding: bytes[start..<index], as: UTF8.self) + "}"
            if let value = (try? JSONObject(parsing: element))?.members.first?.value {
                elements.append(JSONTree(value))
            }
            start = index + 1
        }
        self = .array(elements)
    }

    /// The tree with the members of every object in the order of their names.
    var sorted: JSONTree {
        switch self {
        case .text: self
        case .array(let elements): .array(elements.map(\.sorted))
        case .object(let members):
            .object(members.map { Member(name: $0.name, value: $0.value.sorted) }.sorted { $0.name < $1.name })
        }
    }

    /// The tree with the members of every object in a given order; those that are not named follow as they are.
    func ordered(_ names: [String]) -> JSONTree {
        guard case .object(let members) = self else { return self }
        let ranks = Dictionary(names.enumerated().map { (JSONWriter.quoted($1), $0) }) { first, _ in first }
        let ordered = members.enumerated().sorted { left, right in
            (ranks[left.element.name] ?? names.count, left.offset) < (
                ranks[right.element.name] ?? names.count, right.offset
            )
        }
        return .object(ordered.map { Member(name: $1.name, value: $1.value.ordered(names)) })
    }

    /// The JSON text.
    func written(as layout: Layout, depth: Int = 0) -> String {
        func list(_ open: String, _ close: String, _ elements: [String]) -> String {
            guard !elements.isEmpty else { return open + close }
            guard let indent = layout.indent else {
                return open + elements.joined(separator: "," + layout.afterComma) + close
            }
            let line = "\n" + String(repeating: indent, count: depth + 1)
            return open + line + elements.joined(separator: ",\(line)") + "\n"
                + String(repeating: indent, count: depth) + close
        }
        switch self {
        case .text(let text): return text.hasPrefix("\"") ? layout.string(text) : text
        case .array(let elements): return list("[", "]", elements.map { $0.written(as: layout, depth: depth + 1) })
        case .object(let members):
            let texts = members.map { member in
                layout.string(member.name) + ":" + layout.afterColon
                    + member.value.written(as: layout, depth: depth + 1)
            }
            return list("{", "}", texts)
        }
    }
}
