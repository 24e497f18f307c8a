import GRDB

/// All that was committed at some time, as far as it may never change.
///
/// The fourth promise: what was committed survives each kill, so that the state before it is a prefix of the one after.
struct Snapshot: Equatable {
    private static let tables = [
        ("refund_transitions", "*", "id"),
        ("refund_event_log", "*", "position"),
        ("refund_outbox", "position, id, refund_id, type, url, endpoint", "position"),
        ("refund_outbox_attempts", "*", "id"),
        ("refund_actions", "*", "id"),
        ("refund_queue", "id, gateway, merchant_no, merchant_order_no, trans_no, callback_url, created_at", "id"),
    ]

    private var ends: [Int64] = []
    private var digests: [UInt64] = []

    /// Takes in everything that is committed now.
    init(_ database: SharedDatabase) throws {
        for (table, _, key) in Self.tables {
            ends.append(try database.rows("SELECT ifnull(max(\(key)), 0) FROM \(table)").first?[0] ?? 0)
        }
        digests = try digests(database)
    }

    /// Checks that everything is still there, unchanged.
    func check(_ database: SharedDatabase) throws {
        for (index, digest) in try digests(database).enumerated() {
            try promise(digest == digests[index], "\(Self.tables[index].0) lost or changed what was committed")
        }
    }

    private func digests(_ database: SharedDatabase) throws -> [UInt64] {
        try zip(Self.tables, ends).map { table, end in
            let (name, columns, key) = table
            let rows = try database.rows("SELECT \(columns) FROM \(name) WHERE \(key) <= ? ORDER BY \(key)", [end])
            var hasher = Hasher()
            for row in rows { for value in row.databaseValues { hasher.combine(value) } }
            return UInt64(bitPattern: Int64(hasher.finalize()))
        }
    }
}
