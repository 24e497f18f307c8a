package import RefundCore
import RefundPostgres
package import RefundStore
import Synchronization

extension PostgresStore {
    // A new connection to another server would have to be checked; a restored database continues beyond a gap.
    package func checkPositions() throws(StoreError) {}

    /// PostgreSQL has no count of commits that another transaction could compare: whoever asks should look.
    package func hasForeignCommits() throws(StoreError) -> Bool { true }

    package func upkeep(at now: Timestamp) -> [StoreEvent] {
        // Other daemons do the same; a failure leaves it to the next time.
        try? foldCounts()
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
        Listener(session, wake: wake) { [weak self] event in self?.events.withLock { $0.append(event) } }
    }
}
