import Foundation
import RefundStoreConformance
import RefundStorePostgresSupport
import RefundStoreSQLiteSupport

/// The store under test.
enum TestStore {
    /// An empty queue in SQLite; with TEST_STORE=postgres, the same tests run over the other store.
    static func fixture() throws -> any StoreFixture {
        let isPostgres = ProcessInfo.processInfo.environment["TEST_STORE"] == "postgres"
        return isPostgres ? try PostgresFixture() : try SQLiteFixture()
    }
}
