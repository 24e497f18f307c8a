/// The five characters by which PostgreSQL names a condition.
///
/// Source: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
package struct SQLState: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral {
    /// The characters.
    package let rawValue: String

    /// Creates a state from its characters.
    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// Creates a state from its characters.
    package init(stringLiteral value: StaticString) {
        rawValue = "\(value)"
    }

    /// The class of conditions that it belongs to: its first two characters.
    package var family: String { String(rawValue.prefix(2)) }
}

/// Why a connection or a statement failed.
package struct PostgresError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of errors, by what they mean for the connection.
    package enum Kind: Hashable, Sendable {
        /// The server refused a statement; the connection goes on.
        case refused(SQLState)
        /// The connection cannot be made, or is gone; whether the statements ran is unknown.
        case disconnected
        /// The deadline passed, and the connection was given up; whether the statements ran is unknown.
        case timedOut
        /// Another thread interrupted the call, and the connection was given up.
        case interrupted
        /// libpq is missing or too old.
        case unavailable
        /// There is no password to connect with.
        case unauthorised
    }

    /// The kind of error.
    package let kind: Kind
    /// The server's or libpq's message, in one line.
    package let message: String
    /// The table, column or constraint that the server names.
    package var (table, column, constraint): (String?, String?, String?)

    /// Creates an error.
    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// The state that the server gave, or nil if the error is not the server's.
    package var state: SQLState? {
        if case .refused(let state) = kind { state } else { nil }
    }

    /// The message, with the state if there is one.
    package var description: String { state.map { "\(message) (\($0.rawValue))" } ?? message }
}
