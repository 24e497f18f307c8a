import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

@testable import RefundStorePostgres

/// What is found out about a server before a daemon serves a queue on it.
struct DatabaseCheckTests {
    @Test func goodServerIsFine() throws {
        let database = try PostgresFixture()
        let provider = PostgresProvider(database.settings)
        #expect(provider.findings(for: .current).isEmpty)
        #expect(provider.wakeFinding() == Finding(.fine, "wake-up", "inserts are noticed at once"))
    }

    @Test func connectionThatForgetsWhoListensIsNoticed() throws {
        let database = try PostgresFixture()
        let connection = try database.connect()
        let soon = ContinuousClock.now.advanced(by: .seconds(30))
        try connection.execute("SET search_path = \(database.settings.schema)", until: soon)
        let registration = try Registration(connection, ServingNote(), id: 7)
        #expect(try registration.isListening())
        try connection.execute("UNLISTEN *", until: soon)
        #expect(try !registration.isListening())
    }

    @Test func serverThatIsNotThereIsAProblem() throws {
        let settings = PostgresSettings(
            parameters: [("host", "/nowhere"), ("dbname", "x")],
            schema: "refundd",
            location: "postgresql://x"
        )
        let provider = PostgresProvider(settings)
        #expect(provider.findings(for: .current).map(\.gravity) == [.problem])
        #expect(provider.wakeFinding().gravity == .problem)
    }

    @Test func clockThatIsNotTheServersIsAProblem() {
        #expect(DatabaseCheck.clockFindings(server: now, here: later(4)).isEmpty)
        let ahead = DatabaseCheck.clockFindings(server: now, here: later(60)).map(\.text)
        #expect(ahead.count == 1 && ahead[0].contains("ahead of the database server's"))
        let behind = DatabaseCheck.clockFindings(server: now, here: now.advanced(by: .seconds(-60))).map(\.text)
        #expect(behind.count == 1 && behind[0].contains("behind the database server's"))
    }
}
