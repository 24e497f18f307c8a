import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStoreSQLite

extension CommonOptions {
    /// Writes a person's verdict and prints what the refund is now.
    func write(_ verdict: PersonsVerdict, on selection: RefundSelection, reason: String) throws(CommandFailure) {
        let configuration = try configuration()
        let store = try store(.existing, at: configuration.database.path)
        defer { store.close() }
        let refund = try store.write { tx in
            try selection.withRefund(in: tx) { _, id in
                try verdict.write(on: id, reason: reason, by: actor, configuration, tx, at: SystemClock().now())
            }
        }
        printLine("\(refund.title) is \(refund.state.rawValue)")
    }
}
