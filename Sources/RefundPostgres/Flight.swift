/// Statements that are sent together and answered together: one round trip, however many they are.
///
/// They run one after the other. The first that fails is the error of all, and those behind it do not run.
package final class Flight {
    private(set) var steps: [Statement] = []

    /// Creates an empty flight.
    package init() {}

    /// Whether nothing is to be sent.
    package var isEmpty: Bool { steps.isEmpty }

    /// Adds a statement.
    ///
    /// - Parameter sql: One statement, whose parameters are `$1` and so on. Each text is prepared once on a connection,
    ///   so it must be one of a bounded number.
    /// - Returns: The statement, to bind its parameters and to read its rows.
    @discardableResult
    package func add(_ sql: String) -> Statement {
        let statement = Statement(sql)
        steps.append(statement)
        return statement
    }

    /// The statements, with a query before all others but the beginning of a transaction.
    func steps(beginningWith setup: String?) -> [Statement] {
        guard let setup else { return steps }
        let begins = steps.first?.sql.hasPrefix("BEGIN") == true
        return steps.prefix(begins ? 1 : 0) + [Statement(setup)] + steps.dropFirst(begins ? 1 : 0)
    }

    /// Adds the statements of another flight.
    package func append(_ other: Flight) { steps += other.steps }
}

/// A statement of a flight.
package final class Statement {
    let sql: String
    private(set) var parameters = Parameters()
    private(set) var receive: ((PostgresRow) -> Void)?
    private(set) var changed: ((Int) -> Void)?

    init(_ sql: String) {
        self.sql = sql
    }

    // MARK: - Binding, in order

    /// Binds the next parameter to a whole number, or null.
    @discardableResult
    package func bind(_ value: Int64?) -> Statement {
        parameters.append(.int64, null: value == nil) { $0.append(bigEndian: value ?? 0) }
        return self
    }

    /// Binds the next parameter to a whole number, or null.
    @discardableResult
    package func bind(_ value: Int?) -> Statement { bind(value.map(Int64.init)) }

    /// Binds the next parameter to 1 or 0.
    @discardableResult
    package func bind(_ value: Bool) -> Statement { bind(value ? 1 as Int64 : 0) }

    /// Binds the next parameter to a text, or null.
    @discardableResult
    package func bind(_ value: String?) -> Statement {
        parameters.append(.text, null: value == nil) { $0.append(text: value ?? "") }
        return self
    }

    /// Binds the next parameter to bytes, or null.
    @discardableResult
    package func bind(_ value: [UInt8]?) -> Statement {
        parameters.append(.bytes, null: value == nil) { $0.append(contentsOf: value ?? []) }
        return self
    }

    /// Binds the next parameter to an array of whole numbers.
    @discardableResult
    package func bind(list values: some Collection<Int64>) -> Statement {
        parameters.append(.int64Array) { bytes in
            bytes.append(arrayOf: .int64, count: values.count)
            for value in values {
                bytes.append(bigEndian: 8 as CInt)
                bytes.append(bigEndian: value)
            }
        }
        return self
    }

    /// Binds the next parameter to an array of texts.
    @discardableResult
    package func bind(list values: some Collection<String>) -> Statement {
        parameters.append(.textArray) { bytes in
            bytes.append(arrayOf: .text, count: values.count)
            for value in values {
                var text: [UInt8] = []
                text.append(text: value)
                bytes.append(bigEndian: CInt(clamping: text.count))
                bytes.append(contentsOf: text)
            }
        }
        return self
    }

    // MARK: - Results

    /// Reads every row of the result, once the flight has run.
    package func read(_ body: @escaping (PostgresRow) -> Void) { receive = body }

    /// Receives the number of rows that were changed, once the flight has run.
    package func count(_ body: @escaping (Int) -> Void) { changed = body }
}
