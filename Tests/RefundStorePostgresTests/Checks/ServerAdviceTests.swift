import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

@testable import RefundStorePostgres

/// What an operator is told about a server that works.
struct ServerAdviceTests {
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
}
