import GRDB
import RefundCore

@testable import RefundStoreSQLite

/// A database in a folder of its own, gone with it.
final class TestDatabase {
    let path: String
    let store: RefundStore
    /// An application's connection, as GRDB opens it by default.
    let application: DatabaseQueue
    private let folder: Folder
    private var webhooks = 0

    init() throws {
        folder = try Folder()
        path = folder.path + "/refunds.db"
        store = try RefundStore(path: path, access: .readWrite)
        try store.migrate(at: Timestamp(milliseconds: 1_790_000_000_000))
        application = try DatabaseQueue(path: path)
    }

    deinit {
        store.close()
        try? application.close()
    }

    // MARK: - As an application

    func execute(_ sql: String) throws {
        try application.writeWithoutTransaction { db in try db.execute(sql: sql) }
    }

    /// The rows of a query, each value as text and null as `-`.
    func rows(_ sql: String) throws -> [[String]] {
        try application.read { db in
            try Row.fetchAll(db, sql: sql).map { row in
                row.databaseValues.map { value in
                    switch value.storage {
                    case .null: "-"
                    case .int64(let number): "\(number)"
                    case .double(let number): "\(number)"
                    case .string(let text): text
                    case .blob(let data): String(decoding: data, as: UTF8.self)
                    }
                }
            }
        }
    }

    /// The first column of a query.
    func column(_ sql: String) throws -> [String] {
        try rows(sql).compactMap(\.first)
    }

    /// Everything that the guards protect, as text.
    func contents() throws -> [[String]] {
        try [
            "refund_queue", "refund_transitions", "refund_event_log", "refund_outbox", "refund_outbox_attempts",
            "refund_hints", "refund_gateways", "refund_incidents", "refund_actions",
        ].flatMap { table in try rows("SELECT '\(table)', * FROM \(table) ORDER BY 2") }
    }

    /// Enqueues a refund whose further columns have these SQL values.
    @discardableResult
    func enqueue(_ order: String, _ columns: KeyValuePairs<String, String> = [:]) throws -> Int64 {
        let names = ["merchant_order_no"] + columns.map(\.key)
        let values = ["'\(order)'"] + columns.map(\.value)
        let (nameList, valueList) = (names.joined(separator: ", "), values.joined(separator: ", "))
        return try application.write { db in
            try db.execute(sql: "INSERT INTO refund_queue (\(nameList)) VALUES (\(valueList))")
            return db.lastInsertedRowID
        }
    }

    // MARK: - As the daemon

    static let allEvents = Set(EventType.allCases)
    static let defaultURL = "https://hooks.example/in"

    func context(
        url: String? = defaultURL,
        events: Set<EventType> = allEvents,
        makeWebhookID: ((Timestamp) -> String)? = nil
    ) -> StoreTransaction.EventContext {
        StoreTransaction.EventContext(
            routing: WebhookRouting(defaultURL: url, events: events) { url in
                url.split(separator: "/").dropFirst().first.map(String.init) ?? ""
            },
            merchantNo: { $0.merchantNo ?? "3121" },
            makeWebhookID: makeWebhookID ?? { [unowned self] _ in
                webhooks += 1
                return "msg_\(webhooks)"
            }
        )
    }

    func refund(_ id: Int64) throws -> Refund? {
        try store.read { tx in try tx.refund(id: id) }
    }

    /// Lets something happen to a refund and writes what follows, in one transaction.
    ///
    /// Whether the refund has reached the age at which a person is told does not depend on the clock of the machine.
    @discardableResult
    func happen(
        to id: Int64,
        isOld: Bool = false,
        url: String? = defaultURL,
        events: Set<EventType> = allEvents,
        _ event: (inout RefundStateMachine) -> [Transition]
    ) throws -> [Transition] {
        try store.transaction { tx in
            guard let refund = try tx.refund(id: id) else { throw NoSuchRefund() }
            var policy = PollingPolicy()
            policy.attentionAfter = .seconds(isOld ? -1_000_000_000_000 : 1_000_000_000_000)
            var machine = RefundStateMachine(refund, policy: policy)
            let transitions = event(&machine)
            try tx.apply(machine.refund, transitions, endsLease: true, context(url: url, events: events))
            return transitions
        }
    }

    struct NoSuchRefund: Error {}
}
