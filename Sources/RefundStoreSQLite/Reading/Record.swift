import GRDB
package import RefundCore

/// A row as people and programs read it: its columns by name, in order.
package struct Record: Sendable {
    /// A column's value.
    package enum Value: Sendable {
        /// No value.
        case null
        /// A whole number.
        case integer(Int64)
        /// A text; bytes that are not UTF-8 are replaced.
        case text(String)
    }

    /// The columns.
    package let fields: [(name: String, value: Value)]

    init(_ row: Row) {
        fields = row.columnNames.enumerated().map { index, name in
            switch (row[index] as DatabaseValue).storage {
            case .null: (name, .null)
            case .int64(let number): (name, .integer(number))
            case .double(let number): (name, .text(String(number)))
            case .string(let text): (name, .text(text))
            case .blob(let data): (name, .text(String(decoding: data, as: UTF8.self)))
            }
        }
    }

    /// The text of a column, or nil when it has none.
    package func text(_ name: String) -> String? {
        switch self[name] {
        case .text(let text): text
        case .integer(let number): String(number)
        case .null: nil
        }
    }

    /// The number of a column, or nil when it has none.
    package func integer(_ name: String) -> Int64? {
        guard case .integer(let number) = self[name] else { return nil }
        return number
    }

    /// The time of a column, or nil when it has none.
    package func timestamp(_ name: String) -> Timestamp? {
        integer(name).map(Timestamp.init(milliseconds:))
    }

    private subscript(name: String) -> Value {
        fields.first { $0.name == name }?.value ?? .null
    }

    /// Writes the record as a JSON object with the columns' names.
    package func write(to json: inout JSONText) {
        json.object { json in
            for (name, value) in fields {
                switch value {
                case .null: json.raw(name, "null")
                case .integer(let number): json.number(name, number)
                case .text(let text): json.string(name, text)
                }
            }
        }
    }
}
