import Foundation
import RefundStore
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

@testable import RefundStorePostgres

/// What databases already contain does not change with the code.
struct FrozenSchemaTests {
    private func fixture(_ migration: String) throws -> String {
        let file = try #require(
            Bundle.module.url(forResource: "schema-\(migration)", withExtension: "sql", subdirectory: "Fixtures")
        )
        return try String(contentsOf: file, encoding: .utf8)
    }

    @Test func textOfAMigrationNeverChanges() throws {
        #expect(Migration.all.map(\.id) == Array(1...Migration.all.count))
        for migration in Migration.all {
            let number = String("000\(migration.id)".suffix(4))
            let frozen = try fixture(number)
            #expect(migration.sql.joined(separator: "\n\n") + "\n" == frozen, "schema-\(number).sql")
        }
    }

    @Test func guardsOfAMigratedQueueAreAllThere() throws {
        let database = try PostgresFixture()
        #expect(try database.store.read { tx throws(StoreError) in try tx.schemaProblems() } == [])
    }
}
