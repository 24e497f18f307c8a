import RefundAdmin
import RefundScheduler
import RefundStoreSQLite
import RefundTestSupport
import Testing

@testable import RefundDaemon

struct QueueGaugesTests {
    @Test func gaugesOfAnEarlierMomentAreNotShown() throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path("refundd.db"), access: .readWrite)
        try store.migrate(at: SystemClock().now())
        let registry = PrometheusRegistry()
        let gauges = QueueGauges(store: store, registry: registry, clock: SystemClock())
        let good = gauges.text()
        #expect(good.contains("\nrefundd_database_readable 1\n"))
        #expect(good.contains("\nrefundd_due_lag_seconds 0\n"))

        store.close()
        let lines = gauges.text().split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines == ["refundd_database_readable 0"])
    }
}
