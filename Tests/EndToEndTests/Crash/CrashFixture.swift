import Foundation
import Testing

/// The store of a crash run: an application inserts into it, daemons that serve it are killed, and the run looks at what
/// each kill left.
///
/// Statements about the remains see three schemas: `main` is what the last kill left, `earlier` what the one before
/// left, and `run` holds what the run itself records.
protocol CrashFixture {
    /// Creates the queue, and the tables of `run`.
    func create(_ tables: String) async throws
    /// Starts an application that runs a statement on the queue and waits for its locks.
    func startApplication(_ sql: String) throws -> RunningProcess
    /// Runs a statement on the queue.
    func rows(_ sql: String) async throws -> [JSON]

    /// Copies what a killed daemon left, so that the next one finds it untouched; the copy before becomes `earlier`.
    func keepRemains() async throws
    /// Runs `refundd verify` on the remains.
    func verifyRemains() async throws -> Finished
    /// Runs statements on the remains.
    @discardableResult
    func remains(_ sql: String) async throws -> [JSON]
    /// Runs statements on the tables of `run`.
    func record(_ sql: String) async throws
    /// Creates tables of `run` with a row per line of a file, in a column `line`.
    func recordLines(of files: [(table: String, path: String)]) async throws
}

/// A queue in a SQLite file, whose remains are copies of the file with whatever stands in its `-wal`.
struct SQLiteCrashFixture: CrashFixture {
    let w: Workspace

    private var killed: String { w.path("killed.db") }
    private var earlier: String { w.path("earlier.db") }
    private var run: String { w.path("run.db") }

    func create(_ tables: String) async throws {
        try await w.initDatabase()
        try FileManager.default.copyItem(atPath: w.database, toPath: killed)
        try await record(tables)
    }

    func startApplication(_ sql: String) throws -> RunningProcess {
        try w.start("sqlite3", ["-bail", "-cmd", ".timeout 20000", w.database, sql], name: "shell")
    }

    func rows(_ sql: String) async throws -> [JSON] { try await w.sql(sql) }

    func keepRemains() async throws {
        let files = FileManager.default
        if files.fileExists(atPath: earlier) { try files.removeItem(atPath: earlier) }
        try files.moveItem(atPath: killed, toPath: earlier)
        try files.copyItem(atPath: w.database, toPath: killed)
        if files.fileExists(atPath: w.database + "-wal") {
            try files.copyItem(atPath: w.database + "-wal", toPath: killed + "-wal")
        }
    }

    func verifyRemains() async throws -> Finished { try await w.refundd("verify", killed) }

    @discardableResult
    func remains(_ sql: String) async throws -> [JSON] {
        try await w.sql("ATTACH '\(earlier)' AS earlier; ATTACH '\(run)' AS run; \(sql)", database: killed)
    }

    func record(_ sql: String) async throws { try await w.sql(sql, database: run) }

    func recordLines(of files: [(table: String, path: String)]) async throws {
        let tables = Set(files.map(\.table)).map { "CREATE TABLE \($0) (line TEXT);" }
        let imports = files.map { ".import \($0.path) \($0.table)" }
        let shell = try await w.run(
            "sqlite3",
            ["-batch", "-bail", run] + tables + [".mode ascii", #".separator "\037" "\n""#] + imports
        )
        try #require(shell.exitCode == 0, "\(shell.errors)")
    }
}
