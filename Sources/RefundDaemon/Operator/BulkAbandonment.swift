package import RefundConfiguration
package import RefundCore
import RefundScheduler
package import RefundStore

/// Abandons every refund that matches a filter, in small transactions.
package struct BulkAbandonment: Sendable {
    // Each refund writes about ten rows; this bounds how long one transaction blocks the daemon and applications.
    private static let batchSize = 200

    private let filter: RefundFilter
    private let filters: [RefundFilter]
    private let store: any QueueStore

    /// Creates an abandonment that has not begun.
    ///
    /// - Parameters:
    ///   - filter: The refunds; without a state, those that are not final.
    ///   - store: The queue, open for writing.
    package init(_ filter: RefundFilter, _ store: any QueueStore) {
        (self.filter, self.store) = (filter, store)
        let states = filter.state.map { [$0] } ?? RefundState.open
        filters = states.map { state in
            var filter = filter
            filter.state = state
            return filter
        }
    }

    /// What would be abandoned.
    package struct Preview: Sendable {
        /// The refunds by the beginning of their order numbers, the largest group first.
        package var groups: [RefundGroup] = []
        /// The number of refunds.
        package var count = 0
        /// The number of `refund.abandoned` webhooks that this would send.
        package var webhookCount = 0
    }

    /// Shows what would be abandoned.
    ///
    /// - Parameter configuration: The configuration, which decides which events become webhooks.
    /// - Returns: The refunds in groups.
    /// - Throws: `CommandFailure` if the database fails.
    package func preview(_ configuration: Configuration) throws(CommandFailure) -> Preview {
        let routing = configuration.eventContext.routing
        let sendsAll = routing.url(for: .abandoned, callbackURL: nil) != nil
        let sendsAny = routing.events.contains(.abandoned)
        var preview = Preview()
        try store.look { tx throws(StoreError) in
            var members: [RefundGroup.Member] = []
            for filter in filters { members += try tx.members(filter, newest: .max) }
            preview.groups = RefundGroup.grouping(members)
        }
        for group in preview.groups {
            preview.count += group.count
            preview.webhookCount += sendsAll ? group.count : sendsAny ? group.callbackCount : 0
        }
        return preview
    }

    /// How many refunds whose order numbers begin like the others have a verdict already, which they keep.
    ///
    /// - Returns: The states that have any; empty without an order prefix, or if the filter names a state or attention.
    /// - Throws: `CommandFailure` if the database fails.
    package func verdicts() throws(CommandFailure) -> [(state: RefundState, count: Int)] {
        guard filter.orderPrefix != nil, filter.state == nil, !filter.needsAttention else { return [] }
        return try store.look { tx throws(StoreError) in
            var verdicts: [(state: RefundState, count: Int)] = []
            for state in [RefundState.settled, .failed] {
                var filter = filter
                filter.state = state
                let count = try tx.count(filter, limit: .max)
                if count > 0 { verdicts.append((state, count)) }
            }
            return verdicts
        }
    }

    /// Abandons them; a refund that becomes final meanwhile, or no longer matches the filter's state or attention, stays
    /// as it is.
    ///
    /// - Parameters:
    ///   - reason: The operator's reason.
    ///   - actor: The operator.
    ///   - configuration: The configuration, which decides which events become webhooks.
    ///   - report: Called after each transaction with the number so far.
    /// - Returns: The number of refunds that were abandoned.
    /// - Throws: `CommandFailure` if the database fails; what was abandoned until then stays abandoned.
    package func run(
        reason: String,
        by actor: String,
        _ configuration: Configuration,
        _ report: (Int) -> Void
    ) async throws(CommandFailure) -> Int {
        // Read once: a filter may have to look at every open refund.
        let ids = try store.look { tx throws(StoreError) in
            var ids: [Int64] = []
            for filter in filters { ids += try tx.refundIDs(filter) }
            return ids
        }
        var count = 0
        try await store.command(on: ids, inBatchesOf: Self.batchSize) { tx, batch throws(StoreError) in
            var done = 0
            for id in batch where try stillMatches(id, tx) {
                let now = SystemClock().now()
                let resolution = OperatorResolution.abandon
                let result = try resolution.write(on: id, reason: reason, by: actor, configuration, tx, at: now)
                if case .success = result { done += 1 }
            }
            return done
        } _: { done in
            count += done
            report(count)
        }
        return count
    }

    private func stillMatches(_ id: Int64, _ tx: any QueueReader) throws(StoreError) -> Bool {
        guard filter.state != nil || filter.needsAttention else { return true }
        guard let refund = try tx.refund(id: id)?.refund else { return false }
        return refund.state == filter.state ?? refund.state && (refund.attention != nil || !filter.needsAttention)
    }
}
