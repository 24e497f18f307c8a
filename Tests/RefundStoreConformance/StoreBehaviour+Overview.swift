import RefundCore
import RefundStore
import Testing

extension StoreBehaviour {
    /// What the page for operators reads.
    static let overview = [
        StoreBehaviour("overviewHasVerdictsAndChangesOfTheLedger") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try fixture.enqueue("R-2")
            try daemon.happen(to: id) { $0.answered(.settled) }
            func overview(at time: Timestamp) throws -> QueueOverview {
                try daemon.store.read { tx throws(StoreError) in try tx.overview(at: time) }
            }
            let today = try overview(at: now)
            #expect(today.changes.map(\.number) == ["R-1"])
            #expect(today.changes.map(\.to) == ["settled"])
            #expect(today.settleTimes["default"]?.count == 1)
            #expect(today.waiting.currencies[""]?.map(\.count).reduce(0, +) == 1)
            #expect(!today.waiting.isPartial)
            let month = try overview(at: later(31 * 86_400))
            #expect(month.settleTimes.isEmpty)
            #expect(month.waiting.currencies[""]?.last?.count == 1)
        },
        StoreBehaviour("newestRefundsAreReadWithWhatGroupsThem") { fixture in
            let daemon = Daemon(fixture)
            for number in 1...3 { try fixture.enqueue("R-\(number)") }
            try fixture.enqueue("R-4", ["callback_url": "'https://shop.example/'"])
            try daemon.store.read { tx throws(StoreError) in
                let members = try tx.members(RefundFilter(state: .pending), newest: 3)
                #expect(members.map(\.orderNo) == ["R-4", "R-3", "R-2"])
                #expect(members.map(\.hasCallback) == [true, false, false])
                #expect(members.allSatisfy { $0.enqueued.milliseconds > 0 })
                #expect(try tx.members(RefundFilter(orderPrefix: "R-1"), newest: .max).map(\.orderNo) == ["R-1"])
                #expect(try tx.members(RefundFilter(state: .settled), newest: .max).isEmpty)
            }
        },
        StoreBehaviour("webhookLeadsToItsRefund") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.happen(to: id) { $0.answered(.settled) }
            let webhook = try #require(try fixture.column("SELECT id FROM refund_outbox").first ?? nil)
            try daemon.store.read { tx throws(StoreError) in
                #expect(try tx.refundID(ofWebhook: webhook) == id)
                #expect(try tx.refundID(ofWebhook: "msg_unknown") == nil)
            }
        },
    ]
}
