import RefundCore
import RefundPostgres

extension Statement {
    /// Binds the next parameter to a time in Unix milliseconds, or null.
    @discardableResult
    func bind(_ value: Timestamp?) -> Statement { bind(value?.milliseconds) }
}

extension PostgresRow {
    /// The next column as a time, or nil if it holds none.
    func timestamp() -> Timestamp? { integer().map(Timestamp.init(milliseconds:)) }
}
