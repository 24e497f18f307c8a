import RefundCore
import RefundPostgres
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

extension PostgresFixture {
    /// Makes a refund that was settled, one that needs attention, and one that is pending.
    func makeHistory() throws {
        let daemon = Daemon(self)
        for number in 1...3 { try enqueue("R-\(number)") }
        try daemon.happen(to: 1) { $0.answered(.settled) }
        try daemon.happen(to: 2, isOld: true) { $0.aged(at: now) }
        for delivery in try daemon.claim() { try daemon.finish(delivery, .accepted) }
    }

    /// Expects the guards to refuse statements with a message.
    func expectRefused(_ message: String, _ statements: [String]) throws {
        for statement in statements {
            let error = #expect(throws: PostgresError.self, "\(statement)") { try execute(statement) }
            #expect(error?.message.contains(message) == true, "\(statement): \(error?.message ?? "")")
        }
    }
}
