import GRDB
import RefundConfiguration
import RefundCore
import RefundScheduler
import RefundStore
import RefundStoreSQLite
import RefundTestSupport

/// A queue in a file of its own, with webhooks in whatever state a test needs.
struct QueueFixture {
    let folder: TemporaryFolder
    let store: SQLiteStore
    let now = SystemClock().now()

    init() throws {
        folder = try TemporaryFolder()
        store = try SQLiteStore(path: folder.path("refunds.db"), access: .readWrite)
        try store.migrate(at: now)
    }

    /// A configuration of this queue, with a gateway where nobody listens.
    func configuration() throws -> RefundConfiguration.Configuration {
        let publicKey = try folder.write(TestKeys.gatewayPublicPEM, to: "gateway_public_key")
        let text = """
            [database]
            path = "\(store.path)"
            [gateway]
            url = "http://127.0.0.1:1"
            app_id = "a"
            merchant_no = "1"
            private_key_file = "none"
            public_key_files = ["\(publicKey)"]
            timeout = "100ms"
            """
        return try RefundConfiguration.Configuration.load(
            file: folder.write(text, to: "refundd.conf"),
            environment: [:]
        )
    }

    @discardableResult
    func enqueue(_ order: String) throws -> Int64 {
        try store.write { tx throws(StoreError) in
            try tx.enqueue(NewRefund(columns: [(name: .merchantOrderNo, value: order)]))
        } ?? 0
    }

    /// Abandons new refunds, each of which has a pending webhook then.
    ///
    /// - Returns: The webhooks' ids.
    func makeWebhooks(_ orders: [String]) throws -> [String] {
        try orders.flatMap { try abandon($0, to: "https://shop.example/") }
    }

    /// Abandons a new refund, which has a pending webhook then.
    ///
    /// - Returns: The webhook's id.
    @discardableResult
    func abandon(_ order: String, to url: String) throws -> [String] {
        try change(try enqueue(order), tellingOf: [.abandoned], at: url) { machine in
            machine.abandoned(reason: "test", actor: "ada", at: now)
        }
    }

    /// Changes a refund, as its daemon does.
    ///
    /// - Returns: The ids of the webhooks that tell of it.
    @discardableResult
    func change(
        _ id: Int64,
        tellingOf events: Set<EventType> = [],
        at url: String? = nil,
        _ event: (inout RefundStateMachine) -> [Transition]
    ) throws -> [String] {
        let routing = WebhookRouting(defaultURL: url, events: events) { HTTPURL.endpoint(of: $0) }
        let context = EventContext(routing: routing, merchantNumbers: [:])
        // The system's generator is empty, and ThreadSanitizer crashes on the address of an empty inout argument.
        var random = SplitMix64(seed: .random(in: 0 ... .max))
        return try store.write { tx throws(StoreError) in
            guard let row = try tx.refund(id: id) else { return [] }
            var machine = RefundStateMachine(row.refund, policy: PollingPolicy())
            let transitions = event(&machine)
            let change = RefundChange(machine.refund, transitions, on: row, endsLease: false, context, using: &random)
            try tx.write(change)
            return change.entries.compactMap { $0.event?.webhook?.id }
        }
    }

    /// Executes writes of the scheduler.
    func execute(_ actions: [Write.Action]) throws {
        var request = CycleRequest(now: now)
        request.mustWrite = true
        _ = try store.cycle(request) { _ in actions.map { Write($0) } }
    }

    /// Claims pending webhooks, as the daemon does before it sends them.
    func claim(_ webhooks: [String]) throws {
        let claims = webhooks.map { WebhookClaim(id: $0, lease: 1) }
        try execute([.claimWebhooks(claims, until: now.advanced(by: .seconds(60)))])
    }

    /// Records that the receiver accepted webhooks.
    func deliver(_ webhooks: [String]) throws {
        try claim(webhooks)
        let positions = try store.read { tx throws(StoreError) in
            try tx.histories(after: nil, limit: 10_000).histories.flatMap(\.webhooks)
        }.reduce(into: [:]) { $0[$1.id] = $1.position }
        let outcome = DeliveryOutcome(status: 204, error: nil, retryAfter: nil, answer: [], duration: .zero)
        try execute(
            webhooks.map { id in
                let delivery = Delivery(
                    position: positions[id] ?? 0,
                    id: id,
                    refundID: nil,
                    url: "https://shop.example/",
                    body: [],
                    attempts: 0,
                    lease: 1
                )
                return .attempt(
                    AttemptRecord(delivery: delivery, outcome: outcome, sentAt: now, result: .delivered(at: now))
                )
            }
        )
    }

    /// Runs SQL as an application would, over a connection of its own.
    func sql(_ sql: String) throws {
        try DatabaseQueue(path: store.path).write { db in try db.execute(sql: sql) }
    }

    func count(_ state: WebhookState) throws -> Int {
        try store.read { tx throws(StoreError) in try tx.count(WebhookFilter(state: state), limit: 10_000) }
    }
}
