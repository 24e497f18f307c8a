import RefundStoreConformance
import RefundStoreSQLiteSupport
import Testing

/// The SQLite store does what every store does.
struct ConformanceTests {
    @Test(arguments: StoreBehaviour.all)
    func storeBehavesAsEveryStore(_ behaviour: StoreBehaviour) throws {
        try behaviour.check(SQLiteFixture())
    }
}
