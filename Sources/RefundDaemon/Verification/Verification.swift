package import RefundCore
package import RefundStore

/// The result of checking a whole database against every promise that refundd makes about ledger and outbox.
///
/// Refunds are read in batches, each in its own transaction: everything about one refund is written together, and one
/// transaction for the whole check would keep the write-ahead log growing.
package struct Verification: Sendable {
    /// A broken promise.
    package struct Problem: Sendable {
        /// The refund, or nil if the problem concerns no single refund.
        package var refundID: Int64?
        /// The refund's number, or nil.
        package var number: String?
        /// The problem in words.
        package var text: String

        fileprivate init(_ text: String, _ refund: Refund?) {
            (refundID, number, self.text) = (refund?.id, refund?.merchantOrderNo ?? refund?.transNo, text)
        }

        /// The problem in one line.
        package var description: String {
            guard let refundID else { return text }
            return "refund #\(refundID)\(number.map { " \($0)" } ?? ""): \(text)"
        }
    }

    /// The most problems to keep; all are counted.
    package static let limit = 100
    private static let batch = 500
    // More problems of one cause are one line.
    private static let alike = 3

    /// The first problems.
    package private(set) var problems: [Problem] = []
    /// The number of problems.
    package private(set) var problemCount = 0
    /// The answers that do not verify, by the reason: a missing key would otherwise fill pages with the same line.
    private var unverified: [String: (first: [Problem], count: Int)] = [:]
    /// The first damage to the database itself, or nil.
    ///
    /// The check of a damaged database ends there.
    package private(set) var damage: String?
    /// Problems in the application's own tables, which do not concern refundd.
    package private(set) var notes: [String] = []
    /// What retention has pruned.
    package private(set) var pruned = PrunedRows()
    private var refunds = 0
    private var transitions = 0
    private var answers = 0
    private var events = 0
    private var webhooks = 0

    /// Checks a database; blocks until done, and writes nothing.
    ///
    /// - Parameters:
    ///   - store: The database.
    ///   - keys: The keys that verify the stored answers.
    ///   - report: Called now and then with the number of refunds checked so far.
    /// - Throws: `StoreError` if the database cannot be read.
    package init(
        _ store: any QueueStore,
        _ keys: GatewayKeys,
        _ report: (Int) -> Void = { _ in }
    ) throws(StoreError) {
        let integrity = try store.read { tx throws(StoreError) in try tx.integrity(limit: Self.limit) }
        note(integrity.damage.map { "the file is damaged: \($0)" })
        notes = integrity.notes
        damage = integrity.damage.first
        guard damage == nil else { return }
        do throws(StoreError) {
            try store.checkPositions()
        } catch  where error.kind == .restored {
            note([error.description])
        }
        note(try store.read { tx throws(StoreError) in try tx.schemaProblems() })
        pruned = try store.read { tx throws(StoreError) in try tx.prunedRows() }
        var last: Int64?
        repeat {
            let batch = try store.read { tx throws(StoreError) in try tx.histories(after: last, limit: Self.batch) }
            note(batch.problems)
            for history in batch.histories { check(history, keys) }
            report(refunds)
            last = batch.last
        } while last != nil
        noteUnverified()
        try checkGatewayEvents(store)
    }

    private mutating func noteUnverified() {
        let causes = unverified.sorted { $0.key < $1.key }.flatMap { reason, found in
            guard found.count > Self.alike else { return found.first }
            let refunds = Set(found.first.map { $0.number ?? "#\($0.refundID ?? 0)" }).sorted().joined(separator: ", ")
            let text = "\(found.count) answers do not prove their ledger rows, such as those of \(refunds): \(reason)"
            return [Problem(text, nil)]
        }
        problemCount += causes.count
        problems = Array((causes + problems).prefix(Self.limit))
    }

    private mutating func checkGatewayEvents(_ store: any QueueStore) throws(StoreError) {
        var position: Int64 = 0
        while true {
            let (events, webhooks) = try store.read { tx throws(StoreError) in
                try tx.gatewayEvents(after: position, limit: Self.batch)
            }
            guard let last = events.last else { return }
            position = last.position
            self.events += events.count
            self.webhooks += webhooks.count
            note(events.flatMap { EventCheck(ofGateway: $0).problems })
            let endpoint = HTTPURL.endpoint(of:)
            note(OutboxCheck(events: events, webhooks: webhooks, endpoint: endpoint).problems)
        }
    }

    private mutating func check(_ history: RefundHistory, _ keys: GatewayKeys) {
        let check = LedgerCheck(history, reread: keys.reread, endpoint: HTTPURL.endpoint(of:))
        refunds += 1
        transitions += history.ledger.count
        answers += check.answers
        events += history.events.count
        webhooks += history.webhooks.count
        note(check.problems.filter { check.unverified[$0] == nil }, history.refund)
        for (text, reason) in check.unverified {
            let problem = Problem(text, history.refund)
            if unverified[reason] != nil || unverified.count < Self.limit {
                var found = unverified[reason] ?? ([], 0)
                if found.first.count < Self.alike { found.first.append(problem) }
                found.count += 1
                unverified[reason] = found
            }
        }
    }

    private mutating func note(_ texts: [String], _ refund: Refund? = nil) {
        problemCount += texts.count
        problems += texts.prefix(Self.limit - problems.count).map { Problem($0, refund) }
    }

    /// Writes the members of the JSON document.
    package func write(to json: inout JSONWriter) {
        json.bool("ok", problemCount == 0)
        for (name, count) in counts { json.number(name, count) }
        json.object("pruned") { json in
            for (name, count) in pruned.named { json.number(name, count) }
        }
        json.number("problem_count", problemCount)
        json.array("problems") { json in
            for problem in problems {
                json.object { json in
                    json.number("refund_id", problem.refundID)
                    json.string("problem", problem.text)
                }
            }
        }
        json.strings("notes", notes)
    }

    /// The problems and the scope of the check, as lines for a terminal.
    package var lines: [String] {
        var lines = problems.map(\.description)
        if problemCount > problems.count { lines.append("and \(problemCount - problems.count) more") }
        let text = { (count: (name: String, count: Int)) in
            "\(count.count) \(count.count == 1 ? count.name.singular : count.name)"
        }
        let result =
            switch problemCount {
            case 0: "no problems"
            case 1: "1 problem"
            default: "\(problemCount) problems"
            }
        lines += notes.map { "note: \($0)" }
        let gone = pruned.named.filter { $0.count > 0 }.map(text)
        if !gone.isEmpty { lines.append("pruned by retention: \(gone.joined(separator: ", "))") }
        return lines + ["checked \(counts.map(text).joined(separator: ", ")): \(result)"]
    }

    private var counts: [(name: String, count: Int)] {
        [
            ("refunds", refunds), ("transitions", transitions), ("answers", answers), ("events", events),
            ("webhooks", webhooks),
        ]
    }
}

extension String {
    /// The singular of one of the counted nouns.
    fileprivate var singular: String { hasSuffix("ies") ? dropLast(3) + "y" : String(dropLast()) }
}
