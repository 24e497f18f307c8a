import Foundation
import RefundStore
import RefundStoreConformance
import RefundTestSupport
import Testing

@testable import RefundStoreSQLite

/// A database that is gone, while files beside it show that it held a queue.
struct DatabaseTracesTests {
    private let folder: TemporaryFolder
    private let path: String
    private let files = FileManager.default

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("refunds.db")
    }

    private func open(_ access: StoreAccess) throws(StoreError) {
        let store = try SQLiteStore(path: path, access: access)
        defer { store.close() }
        if access == .readWrite { try store.migrate(at: now) } else { try store.checkSchema() }
    }

    private static let accesses: [StoreAccess] = [.readWrite, .existing, .readOnly]

    private func expectGone(naming file: String) {
        for access in Self.accesses {
            let error = #expect(throws: StoreError.self) { try open(access) }
            #expect(error?.kind == .missing)
            #expect(error?.description.contains(file) == true, "\(error?.description ?? "")")
            #expect(error?.description.contains("refundd init") == false)
        }
    }

    @Test(arguments: ["-wal", "-journal", ".lock", ".rescued", ".rescued-7"])
    func missingDatabaseWithATraceIsNotCreatedAnew(suffix: String) throws {
        _ = try folder.write("refunds", to: "refunds.db\(suffix)")
        expectGone(naming: path + suffix)
        #expect(!files.fileExists(atPath: path))
        #expect(try String(contentsOfFile: path + suffix, encoding: .utf8) == "refunds", "the trace is left alone")
    }

    @Test(arguments: ["-wal", ".lock", ".rescued"])
    func emptyDatabaseWithATraceIsNotFilled(suffix: String) throws {
        _ = try folder.write("", to: "refunds.db")
        _ = try folder.write("refunds", to: "refunds.db\(suffix)")
        expectGone(naming: path + suffix)
        #expect(try String(contentsOfFile: path + suffix, encoding: .utf8) == "refunds", "the trace is left alone")
    }

    @Test(arguments: [".lock", ".rescued"])
    func applicationsDatabaseWithATraceGetsNoNewQueue(suffix: String) throws {
        _ = try Command.run(["sqlite3", path, "CREATE TABLE orders (id INTEGER)"])
        _ = try folder.write("refunds", to: "refunds.db\(suffix)")
        expectGone(naming: path + suffix)
    }

    @Test(arguments: ["-wal", "-shm", ".lock"])
    func emptyFileIsNoTrace(suffix: String) throws {
        _ = try folder.write("", to: "refunds.db\(suffix)")
        try open(.readWrite)
        try open(.readOnly)
    }

    @Test(arguments: ["refunds.db.bak", "refunds.db-2026", "other.db.lock", "other.db-wal"])
    func anotherFileIsNoTrace(name: String) throws {
        _ = try folder.write("copy", to: name)
        try open(.readWrite)
    }

    @Test func folderThatIsMissingIsNotADatabaseWithoutAQueue() throws {
        for access in Self.accesses {
            let error = #expect(throws: StoreError.self) {
                _ = try SQLiteStore(path: folder.path("none/refunds.db"), access: access)
            }
            #expect(error?.kind == .cannotOpen)
            #expect(error?.description.contains("mount its file system or create it") == true)
            #expect(error?.description.contains("refundd init") == false)
        }
    }

    @Test(arguments: ["mkfifo", "mkdir"]) func whatIsNoFileIsRefusedAtOnce(command: String) throws {
        _ = try Command.run([command, path])
        for access in Self.accesses {
            let error = #expect(throws: StoreError.self) { try open(access) }
            #expect(error?.kind == .cannotOpen && error?.reason == "it is not a regular file")
        }
    }

    @Test func tableThatWasDroppedIsMissed() throws {
        try open(.readWrite)
        _ = try Command.run(["sqlite3", path, "DROP TABLE refund_queue"])
        for access in Self.accesses {
            #expect(throws: StoreError.self) { try open(access) }
            let error = #expect(throws: StoreError.self) { try open(access) }
            #expect(error?.kind == .missing)
        }
    }
}
