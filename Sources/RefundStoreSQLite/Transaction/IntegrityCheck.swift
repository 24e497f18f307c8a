import GRDB
import RefundStore

/// Checks a database file: the contents of refundd's tables, and the structure of all others.
///
/// An application's index or CHECK may need a function or collation that only the application has, and its rows may
/// break its own rules: neither concerns refundd.
/// Source: <https://www.sqlite.org/pragma.html#pragma_integrity_check>.
struct IntegrityCheck {
    private let database: Database
    private let limit: Int

    /// Creates a check within a transaction.
    ///
    /// - Parameters:
    ///   - database: The connection.
    ///   - limit: The most findings about one table, or about the structure.
    init(_ database: Database, limit: Int) {
        self.database = database
        self.limit = limit
    }

    /// Checks the database.
    func run() throws -> Integrity {
        var result = Integrity()
        let (own, others) = try tables()
        for table in own { result.damage += try findings("integrity_check('\(table)')") }
        guard result.damage.isEmpty else { return result }
        // A CHECK is the application's own rule, and may need its functions.
        try database.execute(sql: "PRAGMA ignore_check_constraints = ON")
        defer { try? database.execute(sql: "PRAGMA ignore_check_constraints = OFF") }
        do {
            sort(try findings("quick_check(\(limit))"), into: &result)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
            for table in others { try checkAlone(table, into: &result) }
        }
        return result
    }

    private func checkAlone(_ table: String, into result: inout Integrity) throws {
        do {
            sort(try findings("quick_check('\(table.replacing("'", with: "''"))')"), into: &result)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
            result.notes.append("the application's table \(table) cannot be checked: \(error.message ?? "no message")")
        }
    }

    // refundd's own tables were checked before, so a finding about rows concerns the application's.
    private func sort(_ findings: [String], into result: inout Integrity) {
        for finding in findings {
            if Self.isAboutRows(finding) { result.notes.append(finding) } else { result.damage.append(finding) }
        }
    }

    /// Whether a finding is about the rows of a table or virtual table, and not about the structure of the file.
    static func isAboutRows(_ finding: String) -> Bool {
        let rows = /\ value in |missing from index|wrong # of entries|constraint failed|non-unique entry/
        // Since SQLite 3.44, the check includes full-text indexes and R-trees.
        return finding.contains(rows) || finding.contains(/inverted index|In RTree/)
    }

    private func findings(_ check: String) throws -> [String] {
        var findings: [String] = []
        do {
            let rows = try String.fetchCursor(database, sql: "PRAGMA \(check)")
            while let finding = try rows.next(), findings.count < limit { findings.append(finding) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            // SQLite may end the check of a damaged file with an error, with or without having reported findings.
            if findings.isEmpty { findings.append(error.message ?? "\(error.resultCode)") }
        }
        return findings == ["ok"] ? [] : findings
    }

    private func tables() throws -> (own: [String], others: [String]) {
        let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 ORDER BY name"
        let names = try String.fetchAll(database, sql: sql)
        return (names.filter { $0.hasPrefix("refund_") }, names.filter { !$0.hasPrefix("refund_") })
    }
}
