import RefundStoreConformance

/// Everything committed so far that may never change.
///
/// What was committed survives each crash, so the rows before it are a prefix of those after it.
struct CommittedRows {
    private static let tables = [
        ("refund_transitions", "*", "id"),
        ("refund_event_log", "*", "position"),
        ("refund_outbox", "position, id, refund_id, type, url, endpoint", "position"),
        ("refund_outbox_attempts", "*", "id"),
        ("refund_actions", "*", "id"),
        ("refund_queue", "id, gateway, merchant_no, merchant_order_no, trans_no, callback_url, created_at", "id"),
    ]

    private var lastKeys: [Int] = []
    private var hashes: [Int] = []

    /// Records what is committed now.
    init(_ fixture: any StoreFixture) throws {
        lastKeys = try Self.tables.map { try fixture.number("SELECT coalesce(max(\($0.2)), 0) FROM \($0.0)") }
        hashes = try hashes(fixture)
    }

    /// Checks that everything is still there, unchanged.
    func check(_ fixture: any StoreFixture) throws {
        for (index, hash) in try hashes(fixture).enumerated() {
            try require(hash == hashes[index], "\(Self.tables[index].0) lost or changed what was committed")
        }
    }

    private func hashes(_ fixture: any StoreFixture) throws -> [Int] {
        try zip(Self.tables, lastKeys).map { table, last in
            let (name, columns, key) = table
            let rows = try fixture.rows("SELECT \(columns) FROM \(name) WHERE \(key) <= \(last) ORDER BY \(key)")
            return rows.hashValue
        }
    }
}
