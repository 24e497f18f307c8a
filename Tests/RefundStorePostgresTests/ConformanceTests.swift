import RefundPostgresSupport
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

/// The PostgreSQL store does what every store does.
struct ConformanceTests {
    @Test(arguments: StoreBehaviour.all)
    func storeBehavesAsEveryStore(_ behaviour: StoreBehaviour) throws {
        try behaviour.check(PostgresFixture())
    }

    @Test(arguments: StoreBehaviour.all)
    func storeBehavesTheSameBehindAPoolerThatSharesSessions(_ behaviour: StoreBehaviour) throws {
        try behaviour.check(PostgresFixture(behind: .shared(.transaction)))
    }
}
