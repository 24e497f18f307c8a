/// A JSON value as it stood on the wire.
///
/// Numbers keep their token (`1`, `1.0` and `1.00` are signed differently) and nested values their exact text.
public enum JSONValue: Hashable, Sendable {
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
public struct JSONObject: Hashable, Sendable {
    /// A name with its value.
    public struct Member: Hashable, Sendable {
        /// The name, unescaped.
        public let name: String
        /// The value.
        public let value: JSONValue

        /// Creates a member.
        public init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    private let storage: [Member]

    /// Creates an object from members whose names differ.
    public init(_ members: [Member]) {
        storage = members
    }

    /// The names and values in their order.
    public var members: [(name: String, value: JSONValue)] {
        storage.map { ($0.name, $0.value) }
    }

    /// The value of the member called `name`, or nil.
    public subscript(name: String) -> JSONValue? {
        storage.first { $0.name.isSameText(as: name) }?.value
    }
}
