import GRDB

/// Finds refunds that came in while the guards of the queue were missing.
struct QueueRows {
    private let database: Database

    /// Creates a search within a transaction.
    init(_ database: Database) {
        self.database = database
    }

    /// Makes refunds pending that came in with another state or with attention, since only an answer may change either.
    ///
    /// Those that came in without a time get the current one. This drops the guards of these columns, which must then be
    /// restored.
    ///
    /// - Returns: A sentence for each.
    /// - Throws: `DatabaseError` if the database fails.
    func reset() throws -> [String] {
        for name in ["refund_queue_state", "refund_queue_identity"] {
            try database.execute(sql: "DROP TRIGGER IF EXISTS \(name)")
        }
        let sql = """
            SELECT id, CASE WHEN state IS NOT 'pending' OR attention IS NOT NULL THEN 'state ' || ifnull(state, 'null')
            WHEN typeof(created_at) <> 'integer' THEN 'no created_at' END AS problem FROM refund_queue
            WHERE problem IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM refund_transitions t WHERE t.refund_id = refund_queue.id)
            """
        let update = """
            UPDATE refund_queue SET state = 'pending', attention = NULL, attention_told = 0, next_query_at = 0,
            leased_until = NULL, created_at = CASE typeof(created_at) WHEN 'integer' THEN created_at
            ELSE CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER) END WHERE id = ?
            """
        return try Row.fetchAll(database, sql: sql).map { row in
            let (id, problem): (Int64, String) = (row[0], row[1])
            let title = "refund #\(id) came in past the guards with \(problem)"
            do {
                try database.inSavepoint {
                    try database.execute(sql: update, arguments: [id])
                    return .commit
                }
                return "\(title); it is pending now"
            } catch let error as DatabaseError where [.SQLITE_ERROR, .SQLITE_CONSTRAINT].contains(error.resultCode) {
                return "\(title): \(error.message ?? "no message")"
            }
        }
    }

    /// The unfinished refunds that the insert guard would have rejected, with its words.
    ///
    /// - Parameter limit: The most refunds to return.
    /// - Returns: A sentence for each.
    /// - Throws: `DatabaseError` if the database fails.
    func unservable(limit: Int) throws -> [String] {
        let cases = Self.conditions.map { "WHEN \($0.condition) THEN '\($0.message)'" }.joined(separator: "\n")
        let sql = """
            SELECT 'refund #' || id || ' came in past the guards: ' || problem FROM (
                SELECT id, CASE \(cases) WHEN typeof(created_at) <> 'integer' THEN 'it has no created_at' END AS problem
                FROM refund_queue WHERE state NOT IN ('settled', 'failed', 'abandoned')
            ) WHERE problem IS NOT NULL LIMIT ?
            """
        return try String.fetchAll(database, sql: sql, arguments: [limit])
    }

    /// What the guard rejects about the columns that applications write; refundd itself changes the others later.
    private static let conditions: [(condition: String, message: String)] = {
        let statement =
            /SELECT RAISE\(ABORT,\s*'refund_queue: ((?:[^']|'')*)'\)\s*WHERE ((?:[^';]|'(?:[^']|'')*')*);/
        // The first one is about the id.
        let rejections = Schema0001.queueGuards.matches(of: statement).dropFirst()
        return rejections.prefix { !$0.1.hasPrefix("leave state") }.map { match in
            (String(match.2).replacing("NEW.", with: "refund_queue."), String(match.1))
        }
    }()

    /// The refunds that keep a unique index from being restored, in words.
    ///
    /// - Parameter index: The index.
    /// - Returns: The first two or more that have the same number, or nil.
    /// - Throws: `DatabaseError` if the database fails.
    func duplicates(under index: String) throws -> String? {
        let columns = ["refund_queue_order": "merchant_order_no", "refund_queue_trans": "trans_no"]
        guard let column = columns[index] else { return nil }
        let sql = """
            SELECT group_concat('#' || id, ', ') FROM refund_queue WHERE \(column) IS NOT NULL AND state <> 'abandoned'
            GROUP BY gateway, ifnull(merchant_no, ''), \(column) HAVING count(*) > 1 LIMIT 1
            """
        return try String.fetchOne(database, sql: sql).map { "abandon all but one of \($0), then restart refundd" }
    }
}
