import GRDB
import RefundCore

/// Looks over the whole queue now and then: the third promise, no silent stop, and that nobody starves.
struct Patrol {
    /// How long recoveries take that no fault holds up any more: probes of a gateway or receiver that was away.
    static let recovery: Duration = .minutes(10)

    let database: SharedDatabase
    let gateways: [String: SimulatedGateway]
    let mailroom: Mailroom
    let daemon: SimulatedDaemon
    let person: Person
    let clock: VirtualClock

    func check() throws {
        let open = try database.rows(
            """
            SELECT id, gateway, attention, created_at, next_query_at, leased_until FROM refund_queue
            WHERE state IN ('pending', 'processing')
            """
        )
        for row in open {
            try checkClaim(row)
            try checkAttention(row)
            try checkDue(row, openCount: open.count)
        }
        try checkWebhooks()
    }

    /// Since when nothing has changed that the daemon needs time to adapt to.
    private var steadySince: Timestamp {
        max(daemon.startedAt, daemon.setupSince, clock.lastSet)
    }

    private func isSteady(for duration: Duration, _ others: Timestamp...) -> Bool {
        others.reduce(steadySince, max).advanced(by: duration) <= clock.time
    }

    // A claim without a holder would never end.
    private func checkClaim(_ row: Row) throws {
        let id: Int64 = row["id"]
        let isClaimed = row["leased_until"] as Int64? != nil
        let isInFlight = daemon.queries[row["gateway"] as String]?.contains(id) ?? false
        try promise(isClaimed == isInFlight, "#\(id) is \(isClaimed ? "claimed" : "not claimed") and its query is not")
    }

    private func checkAttention(_ row: Row) throws {
        let id: Int64 = row["id"]
        let attention: String? = row["attention"]
        let age = clock.wall.duration(since: Timestamp(milliseconds: row["created_at"]))
        let polling = daemon.setup.polling
        if age >= polling.attentionAfter + .minutes(2), isSteady(for: .minutes(2)) {
            try promise(attention != nil && attention != "undeliverable", "#\(id) is \(age) old and nobody was told")
        }
        if daemon.setup.limits[row["gateway"] as String] == nil, age >= .minutes(2),
            isSteady(for: polling.longestDelay + .minutes(2))
        {
            try promise(
                ["misconfigured", "mismatch"].contains(attention),
                "#\(id) has no gateway and nobody was told"
            )
        }
    }

    private func checkDue(_ row: Row, openCount: Int) throws {
        guard row["leased_until"] as Int64? == nil else { return }
        let id: Int64 = row["id"]
        let name: String = row["gateway"]
        let created = Timestamp(milliseconds: row["created_at"])
        let due = max(Timestamp(milliseconds: row["next_query_at"] ?? 0), person.wanted[id] ?? created)
        let late = clock.wall.duration(since: due)
        guard let limits = daemon.setup.limits[name] else {
            try promise(late <= .minutes(2) || !isSteady(for: .minutes(2)), "#\(id) is forgotten, its gateway unknown")
            return
        }
        guard let fairSince = gateways[name]?.fairSince(at: clock.time), clock.isRight,
            isSteady(for: Self.recovery, fairSince)
        else { return }
        let perSecond = min(limits.maxQueriesPerSecond, Double(limits.maxInFlight) / 2)
        let bound = Duration.seconds(60) + .seconds(2 * Double(openCount) / perSecond)
        try promise(late <= bound, "#\(id) has been due for \(late) though \(name) is well")
    }

    private func checkWebhooks() throws {
        let pending = try database.rows(
            "SELECT id, url, next_attempt_at, leased_until FROM refund_outbox WHERE state = 'pending'"
        )
        for row in pending {
            let id: String = row["id"]
            let isClaimed = row["leased_until"] as Int64? != nil
            try promise(isClaimed == (daemon.deliveries[id] != nil), "webhook \(id): its claim has no holder")
            guard !isClaimed, daemon.setup.hasSecret,
                let fairSince = mailroom.receiver(of: row["url"])?.fairSince(at: clock.time),
                isSteady(for: Self.recovery, fairSince)
            else { continue }
            let late = clock.wall.duration(since: Timestamp(milliseconds: row["next_attempt_at"] ?? 0))
            try promise(late <= .minutes(2), "webhook \(id) has been due for \(late) though its receiver is well")
        }
    }
}
