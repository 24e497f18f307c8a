/// One step of the schema.
///
/// A released migration is never edited, except to run where it failed and with the same result, and its text never
/// depends on code that may change. Later changes are new migrations.
struct Migration {
    let id: Int
    let name: String
    let sql: [String]

    /// The table that records the migrations that a file has had.
    static let table = """
        CREATE TABLE IF NOT EXISTS refund_migrations
        (id INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)
        """

    static let all = [
        Migration(
            id: 1,
            name: "queue, ledger, events and outbox",
            sql: [
                Schema0001.queue, Schema0001.queueGuards, Schema0001.hints, Schema0001.ledger, Schema0001.events,
                Schema0001.outbox, Schema0001.attempts, Schema0001.operations, Schema0001.counts,
            ]
        ),
        Migration(
            id: 2,
            name: "pauses, heartbeat and delayed refunds",
            sql: [Schema0002.pauses, Schema0002.heartbeat, Schema0002.delays]
        ),
        Migration(id: 3, name: "retention", sql: [Schema0003.webhooks, Schema0003.refunds, Schema0003.deletes]),
    ]

    /// The number of the last migration.
    static let last = all.last?.id ?? 0
}
