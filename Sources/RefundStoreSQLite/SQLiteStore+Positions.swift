import GRDB
package import RefundCore
package import RefundStore

extension SQLiteStore {
    // The memory is not synchronized, so a power cut may lose what was written in the last half minute. Nobody uses
    // that many numbers in half a minute.
    private static let step: Int64 = 1_000_000

    package func checkPositions() throws(StoreError) {
        // Read before the transaction begins: the daemon may commit at any time, and remember it.
        guard let remembered = PositionMemory.read(beside: DatabasePath.real(path)) else { return }
        let shortfall = try transaction(.deferred) { db in try positions(db)?.shortfall(from: remembered) }
        if let shortfall { throw .restored(path, shortfall) }
    }

    /// Checks within a transaction that the database is no older copy of the one seen before.
    ///
    /// - Returns: The positions, or nil if there is no queue yet.
    /// - Throws: `StoreError.restored`.
    @discardableResult
    func requirePositions(_ db: Database) throws -> Positions? {
        let positions = try positions(db)
        if let shortfall = positions.flatMap(memory.shortfall) { throw StoreError.restored(path, shortfall) }
        return positions
    }

    private func positions(_ db: Database) throws -> Positions? {
        do {
            return try statements[Positions.select].first(Positions.init(row:))
        } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
            return nil
        }
    }

    /// Accepts the database as a restored copy: continues all numbering beyond every number used before it was restored.
    ///
    /// - Parameters:
    ///   - actor: The operator, as `refund_actions` records them.
    ///   - now: The time.
    /// - Returns: The number of the next refund.
    /// - Throws: `StoreError` if the database fails, in which case nothing has changed.
    @discardableResult
    package func acceptRestored(by actor: String, at now: Timestamp) throws(StoreError) -> Int64 {
        let remembered = memory.forget()
        do throws(StoreError) {
            return try transaction(.immediate) { db in
                guard let own = try positions(db) else { throw StoreError.notInitialised(path) }
                var skipped: [SkippedNumbers] = []
                for (index, table) in Positions.tables.enumerated() {
                    let last = max(own.last[index], remembered?.last[index] ?? 0)
                    guard last > 0, last < .max - Self.step else { continue }
                    try continueNumbers(of: table.name, beyond: last + Self.step)
                    skipped.append(SkippedNumbers(table: table.name, after: own.last[index], through: last + Self.step))
                }
                for numbers in skipped {
                    try statements["INSERT INTO refund_actions (at, actor, action) VALUES (?, ?, ?)"]
                        .bind(now).bind(actor).bind(numbers.action).run()
                }
                return (skipped.first { $0.table == "refund_queue" }?.through ?? 0) + 1
            }
        } catch {
            memory.restore(remembered)
            throw error
        }
    }

    private func continueNumbers(of table: String, beyond last: Int64) throws {
        let updated = try statements["UPDATE sqlite_sequence SET seq = ? WHERE name = ?"].bind(last).bind(table).run()
        guard updated == 0 else { return }
        try statements["INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)"].bind(table).bind(last).run()
    }
}

/// Numbers that a table leaves out after a restore, as an operator's action records them.
struct SkippedNumbers {
    let table: String
    let after: Int64
    let through: Int64

    /// The action's text.
    ///
    /// `verify` reads those of older versions, so it never changes.
    var action: String { "skip \(table) \(after) \(through)" }
}

extension SkippedNumbers {
    /// Reads an action's text; nil for any other action.
    init?(action: String) {
        let words = action.split(separator: " ")
        guard words.count == 4, words[0] == "skip", let after = Int64(words[2]), let through = Int64(words[3]),
            after >= 0, after <= through
        else { return nil }
        (table, self.after, self.through) = (String(words[1]), after, through)
    }
}
