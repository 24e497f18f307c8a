/// A JSON value as it stood on the wire.
///
/// Numbers keep their token (`1`, `1.0` and `1.00` are signed differently) and nested values their exact text.
package enum JSONValue: Hashable, Sendable {
    /// A string, unescaped.
    case string(String)
    /// A number, as written.
    case number(String)
    /// `true` or `false`.
    case bool(Bool)
    /// `null`.
    case null
    /// An object, as its exact text, checked to be well formed.
    case object(String)
    /// An array, as its exact text, checked to be well formed.
    case array(String)
}

/// The members of a JSON object in their order on the wire, no name twice.
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

    private let storage: [Member]

    /// Creates an object from members whose names differ.
    package init(_ members: [Member]) {
        storage = members
    }

    /// The names and values in their order.
    package var members: [(name: String, value: JSONValue)] {
        storage.map { ($0.name, $0.value) }
    }

    /// The value of the member called `name`, or nil.
    package subscript(name: String) -> JSONValue? {
        storage.first { $0.name.isSameText(as: name) }?.value
    }
}
