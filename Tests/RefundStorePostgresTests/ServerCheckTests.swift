import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

@testable import RefundStorePostgres

/// What is found out about a server before a daemon serves a queue on it.
struct ServerCheckTests {
    @Test func goodServerIsFine() throws {
        let database = try PostgresFixture()
        let provider = PostgresProvider(database.settings)
        #expect(provider.findings(for: .current).isEmpty)
        #expect(provider.wakeFinding() == Finding(.fine, "wake-up", "inserts are noticed at once"))
    }

    @Test func whoKeepsOldRowsIsNamedWithWhatEndsIt() throws {
        let database = try PostgresFixture()
        let provider = PostgresProvider(database.settings)
        let report = try database.connect()
        let soon = ContinuousClock.now.advanced(by: .seconds(30))
        try report.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1", until: soon)
        let held = try #require(try database.postgres.heldSnapshots(for: .zero).first)
        #expect(held.remedy.hasPrefix("SELECT pg_terminate_backend("))
        try report.execute("ROLLBACK", until: soon)
        #expect(!provider.advice().isEmpty)
    }

    @Test func roleThatDoesNotSeeWhoKeepsOldRowsAsksForTheRight() throws {
        let database = try PostgresFixture()
        let role = "blind_\(database.settings.schema)"
        try database.execute("CREATE ROLE \(role) LOGIN")
        try PostgresProvider(database.settings).grant(toApplications: [], toDaemons: [role])
        var settings = database.settings
        settings.servers = settings.servers.map { $0 + [(name: "user", value: role)] }
        let found = PostgresProvider(settings).advice().filter { $0.subject == "snapshot" }
        #expect(found.map(\.gravity) == [.warning])
        #expect(found.first?.text.hasSuffix("as a superuser, run GRANT pg_read_all_stats TO \"\(role)\"") == true)
        try database.execute("GRANT pg_read_all_stats TO \(role)")
        #expect(PostgresProvider(settings).advice().contains { $0.text.contains("GRANT") } == false)
    }

    @Test func whatAFailureLosesIsSaid() {
        var settings = ServerAdvice.Settings(commit: "on", hasFsync: true, names: "", standbys: 0)
        let alone = ServerAdvice.finding(about: settings)
        #expect(alone.gravity == .note && alone.text.contains("no standby"))
        settings.names = "b"
        let waiting = ServerAdvice.finding(about: settings)
        #expect(waiting.gravity == .warning && waiting.text.contains("no standby is connected"))
        settings.commit = "off"
        #expect(ServerAdvice.finding(about: settings).text.contains("synchronous_commit is off"))
        settings.hasFsync = false
        #expect(ServerAdvice.finding(about: settings).text.contains("fsync is off"))
    }

    @Test func standbyThatCommitsDoNotWaitForIsSaid() {
        var settings = ServerAdvice.Settings(commit: "on", hasFsync: true, names: "", standbys: 1)
        #expect(ServerAdvice.finding(about: settings).text.contains("asynchronous"))
        settings.names = "b"
        #expect(ServerAdvice.finding(about: settings).gravity == .fine)
        settings.commit = "local"
        #expect(ServerAdvice.finding(about: settings).text.contains("set synchronous_commit to on"))
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
        #expect(ServerCheck.clockFindings(server: now, here: later(4)).isEmpty)
        let ahead = ServerCheck.clockFindings(server: now, here: later(60)).map(\.text)
        #expect(ahead.count == 1 && ahead[0].contains("ahead of the database server's"))
        let behind = ServerCheck.clockFindings(server: now, here: now.advanced(by: .seconds(-60))).map(\.text)
        #expect(behind.count == 1 && behind[0].contains("behind the database server's"))
    }
}
