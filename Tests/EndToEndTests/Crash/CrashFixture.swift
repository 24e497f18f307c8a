import Foundation
import Testing

/// A queue in a store under test that a crash run kills daemons over.
protocol CrashFixture {
    /// Holds the lock for writing until the process is killed.
    func lock() async throws -> RunningProcess
    /// Copies what the last daemon left to a SQLite file, before anything repairs it.
    func copy(to path: String) async throws
    /// Runs `refundd verify` over what the last daemon left, which was copied to a file.
    func verify(_ copy: String) async throws -> Finished
}

/// A SQLite file; a copy has everything that stands in its `-wal`, so that the next daemon finds exactly what a killed one
/// left behind.
struct SQLiteCrashFixture: CrashFixture {
    let workspace: Workspace

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

    func verify(_ copy: String) async throws -> Finished { try await workspace.refundd("verify", copy) }
}

/// A database on a PostgreSQL server; a copy has the same tables and columns, without their guards.
struct PostgresCrashFixture: CrashFixture {
    let workspace: Workspace
    let queue: ServerQueue

    func lock() async throws -> RunningProcess {
        let statements = ["BEGIN", "LOCK TABLE refund_queue IN EXCLUSIVE MODE"]
        let holder = try workspace.startPython("transaction.py", [queue.place] + statements)
        _ = try await holder.outputLine(beginning: "holding")
        return holder
    }

    func copy(to path: String) async throws {
        let copied = try await workspace.runPython("queue_copy.py", [queue.place, path])
        try #require(copied.exitCode == 0, "\(copied.errors)")
    }

    func verify(_ copy: String) async throws -> Finished { try await workspace.refundd("verify") }
}
