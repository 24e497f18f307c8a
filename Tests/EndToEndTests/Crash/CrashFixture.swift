import Foundation

/// A queue in a store under test that a crash run kills daemons over.
protocol CrashFixture {
    /// Creates the queue that the configuration names.
    func create() async throws
    /// Starts an application that runs a statement.
    func startApplication(_ sql: String) throws -> RunningProcess
    /// The number that a query of an application returns.
    func number(_ sql: String) async throws -> Int64
    /// Holds the lock for writing until the process is killed.
    func lock() async throws -> RunningProcess
    /// Copies what the last daemon left to a SQLite file, before anything repairs it.
    func copy(to path: String) async throws
}

/// A SQLite file; a copy has everything that stands in its `-wal`, so that the next daemon finds exactly what a killed one
/// left behind.
struct SQLiteCrashFixture: CrashFixture {
    let workspace: Workspace

    func create() async throws { try await workspace.initDatabase() }

    func startApplication(_ sql: String) throws -> RunningProcess {
        try workspace.start(
            "sqlite3",
            ["-bail", "-cmd", ".timeout 20000", workspace.database, sql],
            name: "shell"
        )
    }

    func number(_ sql: String) async throws -> Int64 {
        try await workspace.sql("SELECT (\(sql)) AS n").first?["n"].integer ?? 0
    }

    func lock() async throws -> RunningProcess {
        let holder = try workspace.startPython("hold.py", [workspace.database, "IMMEDIATE"])
        _ = try await holder.outputLine(beginning: "holding")
        return holder
    }

    func copy(to path: String) async throws {
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: workspace.database + suffix) {
            try FileManager.default.copyItem(atPath: workspace.database + suffix, toPath: path + suffix)
        }
    }
}
