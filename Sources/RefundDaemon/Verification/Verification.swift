package import RefundCore
package import RefundStoreSQLite
import RefundWebhooks

/// What a check of a whole database found: every promise that refundd makes of its ledger and outbox.
///
/// Refunds are read some at a time, each time in a transaction of its own: what belongs to one refund was written
/// together, and a transaction that lasts as long as the check would keep the daemon's WAL growing.
package struct Verification: Sendable {
    /// Something that does not hold.
    package struct Problem: Sendable {
        /// The refund it is about, or nil.
        package var refundID: Int64?
        /// The refund's number, or nil.
        package var number: String?
        /// What is wrong, in words.
        package var text: String

        /// One line.
        package var description: String {
            guard let refundID else { return text }
            return "refund #\(refundID)\(number.map { " \($0)" } ?? ""): \(text)"
        }
    }

    /// The most problems that are kept; the others are counted.
    package static let limit = 100
    private static let batch = 500

    /// The first problems.
    package private(set) var problems: [Problem] = []
    /// How many there are.
    package private(set) var problemCount = 0
    /// What SQLite finds damaged first, or nil for a file that is whole; nothing else was checked where it is not.
    package private(set) var damage: String?
    /// The refunds that were checked.
    package private(set) var refunds = 0
    /// The rows of the ledger that were checked.
    package private(set) var transitions = 0
    /// The stored answers whose signature was checked.
    package private(set) var answers = 0
    /// The events that were checked.
    package private(set) var events = 0
    /// The webhooks that were checked.
    package private(set) var webhooks = 0

    /// Checks a database, which blocks until it is done and changes nothing.
    ///
    /// - Parameters:
    ///   - store: The database.
    ///   - keys: What the stored answers are checked with.
    /// - Throws: `StoreError` when it cannot be read.
    package init(_ store: RefundStore, _ keys: GatewayKeys) throws(StoreError) {
        let damages = try store.read { tx in try tx.damages(limit: Self.limit) }
        note(damages.map { "the file is damaged: \($0)" })
        damage = damages.first
        // What stands in a damaged file means nothing.
        guard damage == nil else { return }
        note(try store.read { tx in try tx.schemaProblems() + tx.strays() })
        var last: Int64?
        repeat {
            let batch = try store.read { tx in try tx.histories(after: last, limit: Self.batch) }
            note(batch.problems)
            for history in batch.histories { check(history, keys) }
            last = batch.last
        } while last != nil
        var position: Int64 = 0
        while true {
            let (events, webhooks) = try store.read { tx in
                try tx.gatewayEvents(after: position, limit: Self.batch)
            }
            guard let last = events.last else { break }
            position = last.position
            self.events += events.count
            self.webhooks += webhooks.count
            note(events.flatMap { EventCheck(ofGateway: $0).problems })
            let endpoint = WebhookSender.endpoint(of:)
            note(OutboxCheck(events: events, webhooks: webhooks, endpoint: endpoint).problems)
        }
    }

    private mutating func check(_ history: RefundHistory, _ keys: GatewayKeys) {
        let check = LedgerCheck(history, reread: keys.reread, endpoint: WebhookSender.endpoint(of:))
        refunds += 1
        transitions += history.ledger.count
        answers += check.answers
        events += history.events.count
        webhooks += history.webhooks.count
        note(check.problems, history.refund)
    }

    private mutating func note(_ texts: [String], _ refund: Refund? = nil) {
        problemCount += texts.count
        for text in texts.prefix(Self.limit - problems.count) {
            let number = refund?.merchantOrderNo ?? refund?.transNo
            problems.append(Problem(refundID: refund?.id, number: number, text: text))
        }
    }

    /// Writes the members of the JSON document.
    package func write(to json: inout JSONText) {
        json.bool("ok", problemCount == 0)
        for (name, count) in counts { json.number(name, count) }
        json.number("problem_count", problemCount)
        json.array("problems") { json in
            for problem in problems {
                json.object { json in
                    json.number("refund_id", problem.refundID)
                    json.string("problem", problem.text)
                }
            }
        }
    }

    /// The problems and what was checked, as lines for a terminal.
    package var lines: [String] {
        var lines = problems.map(\.description)
        if problemCount > problems.count { lines.append("and \(problemCount - problems.count) more") }
        let checked = counts.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
        let verdict = problemCount == 0 ? "all is as it must be" : "\(problemCount) problem(s)"
        return lines + ["checked \(checked): \(verdict)"]
    }

    private var counts: [(name: String, count: Int)] {
        [
            ("refunds", refunds), ("transitions", transitions), ("answers", answers), ("events", events),
            ("webhooks", webhooks),
        ]
    }
}
