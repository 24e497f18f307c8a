/// One step of the schema.
///
/// A migration that was released is never edited: what comes later is a new one.
struct Migration {
    let id: Int
    let name: String
    let sql: [String]

    static let all = [
        Migration(
            id: 1,
            name: "queue, ledger and outbox",
            sql: [
                QueueSchema.tables, LedgerSchema.tables, OutboxSchema.tables,
                QueueSchema.indexes, OutboxSchema.indexes,
                QueueSchema.triggers, LedgerSchema.triggers, OutboxSchema.triggers,
            ]
        ),
        Migration(
            id: 2,
            name: "redelivery, endpoints and breakers",
            sql: [
                OutboxSchema.redelivery, OutboxSchema.health, LedgerSchema.verdicts, QueueSchema.verification,
                ActionSchema.table, ActionSchema.triggers,
            ]
        ),
        Migration(
            id: 3,
            name: "resolutions, routes and counts",
            sql: [
                LedgerSchema.resolutions, OutboxSchema.routes, QueueSchema.updates,
                CountSchema.table, CountSchema.presets, CountSchema.triggers,
            ]
        ),
    ]
}
