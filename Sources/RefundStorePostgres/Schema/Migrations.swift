/// One step of the schema.
///
/// A released migration is never edited, and its text never depends on code that may change. Later changes are new
/// migrations.
struct Migration {
    let id: Int
    let name: String
    let sql: [String]

    /// The table that records the migrations that a queue has had.
    static let table = """
        CREATE TABLE IF NOT EXISTS refund_migrations
        (id bigint PRIMARY KEY, name text COLLATE "C" NOT NULL, applied_at bigint NOT NULL)
        """

    static let all = [
        Migration(
            id: 1,
            name: "queue, ledger, events, outbox, pauses and retention",
            sql: [
                Schema0001.functions, Schema0001.queue, Schema0001.queueGuards, Schema0001.hints, Schema0001.ledger,
                Schema0001.events, Schema0001.outbox, Schema0001.attempts, Schema0001.operations, Schema0001.retention,
                Schema0001.counts, Schema0001.wake,
            ]
        )
    ]

    /// The number of the last migration.
    static let last = all.last?.id ?? 0
}
