import RefundCore
import RefundPayCloud

extension FuzzTarget {
    /// The JSON reader: what it takes can be written and read again, and it takes nothing that has two meanings.
    static let json = FuzzTarget(name: "json") { input throws(Finding) in
        let object: JSONObject
        do throws(JSONError) {
            object = try JSONObject(parsing: input)
        } catch {
            return try hold((0...input.count).contains(error.offset), "the error is somewhere in the text")
        }
        let text = object.text
        let again = try? JSONObject(parsing: text)
        try hold(again?.exactly == object.exactly, "what was read is read again after being written")
        try hold((try? JSONObject(parsing: String(text.dropLast()))) == nil, "an object without its end is refused")
        for value in object.members.map(\.value) {
            guard let raw = value.raw else { continue }
            try hold(input.firstRange(of: Array(raw.utf8)) != nil, "a value keeps its exact text")
            let alone = try? JSONObject(parsing: #"{"m":\#(raw)}"#)["m"]
            try hold(alone?.raw.map { Array($0.utf8) } == Array(raw.utf8), "the exact text of a value is that value")
        }
        guard let first = object.members.first else { return }
        do throws(JSONError) {
            _ = try JSONObject(parsing: "\(text.dropLast()),\(JSONWriter.quoted(first.name)):null}")
        } catch {
            return try hold(error.isRepeatedName, "only the repeated name is wrong")
        }
        throw Finding(description: "a repeated name was taken")
    }

    /// The canonical string: it follows from what is signed and from nothing else.
    static let signingString = FuzzTarget(name: "signing-string") { input throws(Finding) in
        guard let object = try? JSONObject(parsing: input) else { return }
        let members = object.members
        func string(_ members: [JSONObject.Member]) -> [UInt8] { SigningString.bytes(of: JSONObject(members)) }
        let signed = string(members)
        try hold(string(members.reversed()) == signed, "the order of members does not matter")
        try hold(string(Array(members.dropFirst() + members.prefix(1))) == signed, "nor does the first member's place")
        for name in ["sign", "SIGN", "sIgN"] where object[name] == nil {
            let more = JSONObject.Member(name: name, value: .string("x"))
            try hold(string([more] + members) == signed, "\(name) is left out")
        }
        for value in [.null, .string("")] as [JSONValue] {
            let more = JSONObject.Member(name: "m", value: value)
            try hold(string(members + [more]) == signed, "a member without a value is left out")
        }
        for (index, member) in members.enumerated() where member.name.lowercased() != "sign" {
            var others: [JSONObject.Member] { Array(members[..<index] + members[(index + 1)...]) }
            let changes =
                [.null, .string("x"), .string("y"), .bool(true), .number("1.0"), .array("[1]")] as [JSONValue]
            let strings = changes.map { string(others + [JSONObject.Member(name: member.name, value: $0)]) }
            try hold(Set(strings).count == changes.count, "another value makes another string")
        }
    }
}

extension JSONObject {
    /// The object as JSON text.
    fileprivate var text: String {
        var json = JSONWriter()
        json.object { json in
            for member in members {
                switch member.value {
                case .string(let text): json.string(member.name, text)
                case .bool(let value): json.bool(member.name, value)
                case .null: json.string(member.name, nil)
                case .number(let raw), .object(let raw), .array(let raw): json.raw(member.name, raw)
                }
            }
        }
        return json.text
    }

    /// Names and values byte by byte, since strings are equal already when Unicode takes them for the same.
    fileprivate var exactly: [[UInt8]] {
        members.flatMap { member in
            let (kind, text) =
                switch member.value {
                case .string(let text): ("string", text)
                case .number(let text): ("number", text)
                case .bool(let value): ("bool", "\(value)")
                case .null: ("null", "")
                case .object(let text): ("object", text)
                case .array(let text): ("array", text)
                }
            return [Array(member.name.utf8), Array(kind.utf8), Array(text.utf8)]
        }
    }
}

extension JSONValue {
    /// The exact text, where it is kept.
    fileprivate var raw: String? {
        switch self {
        case .number(let raw), .object(let raw), .array(let raw): raw
        case .string, .bool, .null: nil
        }
    }
}
