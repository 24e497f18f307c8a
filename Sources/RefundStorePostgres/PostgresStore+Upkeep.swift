package import RefundCore
import RefundPostgres
package import RefundStore
import Synchronization

extension PostgresStore {
    /// Whether others have taken numbers since the last call, or this daemon was told of a commit.
    ///
    /// PostgreSQL has no count of commits, but what applications insert and operators do takes numbers that daemons never
    /// take.
    package func hasForeignCommits() throws(StoreError) -> Bool {
        let isTold = listener.withLock { $0 }?.takeNews() ?? false
        let found = Mutex<[Int64]>([])
        do {
            try session.use { connection in
                let flight = Flight()
                let sequences = ["refund_queue_ids", "refund_hint_ids", "refund_action_ids"]
                flight.add("SELECT " + sequences.map { "pg_sequence_last_value('\($0)')" }.joined(separator: ", "))
                    .read { row in found.withLock { $0 = sequences.map { _ in row.integer() ?? 0 } } }
                try connection.run(flight, until: .now.advanced(by: .seconds(10)))
            }
        } catch let error as PostgresError where error.kind == .disconnected {
            // The cycle connects again, and looks.
            return true
        } catch {
            throw StoreError(error, location)
        }
        let numbers = found.withLock { $0 }
        return isTold
            || numbersTaken.withLock { last in
                defer { last = numbers }
                return last != numbers
            }
    }

    package func upkeep(at now: Timestamp) -> [StoreEvent] {
        let isDue = countsFolded.withLock { last in
            if let last, abs(now.duration(since: last).wholeMilliseconds) < 5_000 { return false }
            last = now
            return true
        }
        // Other daemons do the same; a failure leaves it to the next time.
        if isDue {
            try? foldCounts()
            noteSnapshot(at: now)
        }
        return events.withLock { events in
            defer { events = [] }
            return events
        }
    }

    /// Adds the changes of the numbers of refunds and webhooks to `refund_counts`.
    func foldCounts() throws(StoreError) {
        try transaction(.write) { tx in
            _ = tx.flight.add(
                """
                WITH changes AS (DELETE FROM refund_count_changes RETURNING number, counted, state),
                sums AS (SELECT counted, state, sum(number) AS number FROM changes GROUP BY counted, state)
                UPDATE refund_counts c SET number = c.number + s.number FROM sums s
                WHERE c.counted = s.counted AND c.state = s.state
                """
            )
        }
    }

    package func makeWakeSource(_ wake: @escaping @Sendable () -> Void) -> any WakeSource {
        let new = Listener(session, serving, wake: wake) { [weak self] event in
            self?.events.withLock { $0.append(event) }
        }
        listener.withLock { $0 = new }
        return new
    }
}
