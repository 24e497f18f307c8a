/// A JSON value as written in its text.
///
/// Numbers keep their token, because `1`, `1.0` and `1.00` are signed differently. Nested values keep their exact text.
package enum JSONValue: Hashable, Sendable {
    /// A string, unescaped.
    case string(String)
    /// A number, as written.
    case number(String)
    /// `true` or `false`.
    case bool(Bool)
    /// `null`.
    case null
    /// An object: its exact text, checked to be well formed.
    case object(String)
    /// An array: its exact text, checked to be well formed.
    case array(String)
}

/// The members of a JSON object in source order, without repeated names.
package struct JSONObject: Hashable, Sendable {
    /// A name with its value.
    package struct Member: Hashable, Sendable {
        /// The name, unescaped.
        package let name: String
        /// The value.
        package let value: JSONValue

        /// Creates a member.
        package init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// The members in their order.
    package let members: [Member]

    /// Creates an object from members with different names.
    package init(_ members: [Member]) {
        self.members = members
    }

    /// The value of the member with a name, or nil.
    package subscript(name: String) -> JSONValue? {
        members.firstIndex { $0.name.hasSameBytes(as: name) }.map { members[$0].value }
    }
}

/// Why a text is not one JSON object.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The problem, such as "member \"code\" is repeated".
    package let problem: String
    /// The offset in bytes from the start of the text.
    package let offset: Int
    /// Whether an object repeats a name, so that readers disagree about what the text means.
    package var isRepeatedName = false

    /// A sentence for a log or `last_error`.
    package var description: String {
        "\(problem) at byte \(offset)"
    }
}
