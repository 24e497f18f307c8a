import Foundation
import GRDB
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStoreSQLiteSupport
import RefundTestSupport
import Testing

@testable import RefundStoreSQLite

/// A database that is replaced by an older copy of itself.
struct RestoredCopyTests {
    private let folder: TemporaryFolder
    private let path: String
    private let copy: String

    /// A queue that was served, with one settled refund, and a copy of it as it was then.
    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("refunds.db")
        copy = folder.path("copy.db")
        try serve { database in
            try database.settle("R-1")
            let copied = try DatabaseQueue(path: copy)
            try database.store.database.backup(to: copied)
            try copied.close()
        }
    }

    /// A queue whose store the test opens itself.
    private struct Queue {
        let store: SQLiteStore

        func execute(_ sql: String) throws(StoreError) { try store.execute(sql) }

        func enqueue(_ order: String) throws(StoreError) -> Int64 {
            try store.write { tx throws(StoreError) in
                try tx.enqueue(NewRefund(columns: [(name: .merchantOrderNo, value: order)]))
            } ?? 0
        }

        func settle(_ order: String) throws(StoreError) {
            let id = try enqueue(order)
            try store.write { tx throws(StoreError) in
                guard let row = try tx.refund(id: id) else { return }
                var machine = RefundStateMachine(row.refund, policy: PollingPolicy())
                let transitions = machine.abandoned(reason: "a test", actor: "ada", at: now)
                let context = EventContext(
                    routing: WebhookRouting(defaultURL: nil, events: []) { $0 },
                    merchantNumbers: [:]
                )
                var random = SplitMix64(seed: 1)
                try tx.write(
                    RefundChange(machine.refund, transitions, on: row, endsLease: false, context, using: &random)
                )
            }
        }

        var problems: [String] {
            get throws {
                try store.checkPositions()
                return try store.read { tx throws(StoreError) in
                    try tx.schemaProblems() + tx.integrity(limit: 10).damage
                }
            }
        }
    }

    /// Opens the queue as a daemon does.
    private func serve(_ body: (Queue) throws -> Void) throws {
        let lock = try DaemonLock.taken(path)
        let store = try SQLiteStore(path: path, access: .readWrite)
        defer { store.close() }
        try store.migrate(at: now)
        lock.noteServed()
        try store.write { tx throws(StoreError) in try tx.releaseClaims() }
        try body(Queue(store: store))
        withExtendedLifetime(lock) {}
    }

    private func restore(_ copy: String? = nil) throws {
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        try FileManager.default.copyItem(atPath: copy ?? self.copy, toPath: path)
    }

    /// What another program sees of the queue.
    private func rows() throws -> [String] {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { db in
            try String.fetchAll(db, sql: "SELECT name || seq FROM sqlite_sequence ORDER BY name")
                + String.fetchAll(db, sql: "SELECT id || state || updated_at FROM refund_queue ORDER BY id")
                + String.fetchAll(db, sql: "SELECT id || sequence FROM refund_transitions ORDER BY id")
        }
    }

    private func positions(_ store: SQLiteStore) throws -> [String] {
        try store.texts("SELECT position FROM refund_events")
    }

    // MARK: - Recognition

    @Test(arguments: [
        ("it lacks events 2 to 2, ledger rows 2 to 2, refunds 2 to 2", ["settle"]),
        ("it lacks refunds 2 to 3", ["enqueue", "enqueue"]),
        ("it lacks operators' actions 1 to 1", ["query"]),
    ])
    func olderCopyIsNotServed(shortfall: String, changes: [String]) throws {
        try serve { queue in
            for (number, change) in zip(2..., changes) {
                switch change {
                case "settle": try queue.settle("R-\(number)")
                case "query":
                    try queue.store.write { tx throws(StoreError) in try tx.requestQuery(1, by: "ada", at: now) }
                default: _ = try queue.enqueue("R-\(number)")
                }
            }
        }
        try restore()
        let before = try rows()
        let error = try #require(throws: StoreError.self) { try serve { _ in } }
        #expect(error.kind == .restored)
        #expect(error.isFatal)
        #expect(error.description.contains("(\(shortfall))"), "\(error)")
        #expect(error.description.contains("refundd init --accept-restored"))
        #expect(try rows() == before, "nothing is written")
        #expect(throws: error) { try serve { _ in } }
    }

    @Test func copyThatLacksNothingIsServed() throws {
        try restore()
        try serve { queue in
            try queue.settle("R-2")
            #expect(try positions(queue.store) == ["1", "2"])
            #expect(try queue.problems == [])
        }
    }

    @Test func commandsReadAnOlderCopyAndWriteNothing() throws {
        try serve { try $0.settle("R-2") }
        try restore()
        let reader = try SQLiteStore(path: path, access: .readOnly)
        #expect(try positions(reader) == ["1"])
        let error = try #require(throws: StoreError.self) { try reader.checkPositions() }
        #expect(error.kind == .restored)
        let command = Queue(store: try SQLiteStore(path: path, access: .existing))
        #expect(throws: StoreError.self) { try command.settle("R-3") }
        #expect(try positions(command.store) == ["1"])
        #expect(try command.store.texts("SELECT count(*) FROM refund_queue") == ["1"])
    }

    @Test func whatACommandWroteIsRemembered() throws {
        let command = Queue(store: try SQLiteStore(path: path, access: .existing))
        try command.settle("R-2")
        command.store.close()
        try restore()
        let error = #expect(throws: StoreError.self) { try serve { _ in } }
        #expect(error?.kind == .restored)
    }

    @Test func otherQueueIsNotServedHoweverHighItsNumbers() throws {
        let other = folder.path("other.db")
        let store = try SQLiteStore(path: other, access: .readWrite)
        try store.migrate(at: later(1))
        for number in 1...9 { try Queue(store: store).settle("S-\(number)") }
        store.close()
        try restore(other)
        let error = try #require(throws: StoreError.self) { try serve { _ in } }
        #expect(error.description.contains("(it is another queue)"), "\(error)")
    }

    /// The memory would be ahead of a database that a power cut took back.
    @Test func onlyCommittedPositionsAreRemembered() throws {
        try serve { queue in
            let remembered = PositionMemory.read(beside: DatabasePath.real(path))
            #expect(throws: StoreError.self) {
                try queue.store.transaction(.immediate) { db in
                    try db.execute(sql: "INSERT INTO refund_queue (merchant_order_no) VALUES ('R-2')")
                    throw StoreError.rejected(path, "a test")
                }
            }
            #expect(remembered?.last == [1, 1, 1, 0])
            #expect(PositionMemory.read(beside: DatabasePath.real(path)) == remembered)
        }
    }

    @Test func rebuiltTableWithoutItsSequenceIsNoOlderCopy() throws {
        try serve { try $0.execute("DELETE FROM sqlite_sequence") }
        try serve { try $0.settle("R-2") }
    }

    @Test func queueThatWasNeverServedRemembersNothing() throws {
        try FileManager.default.removeItem(atPath: path + ".lock")
        let command = Queue(store: try SQLiteStore(path: path, access: .existing))
        try command.settle("R-2")
        command.store.close()
        try restore()
        try serve { _ in }
    }

    // MARK: - While the daemon runs

    @Test func copyRestoredIntoTheOpenFileEndsTheDaemonsWork() throws {
        try serve { queue in
            try queue.settle("R-2")
            _ = try queue.store.hasForeignCommits()
            let restored = try Command.run(["sqlite3", path, ".restore \(copy)"])
            try #require(restored.status == 0, "\(restored.errors)")
            let uses: [() throws -> Void] = [
                { try queue.settle("R-3") }, { _ = try queue.store.hasForeignCommits() },
            ]
            for use in uses {
                let error = try #require(throws: StoreError.self, performing: use)
                #expect(error.kind == .restored)
            }
            #expect(try positions(queue.store) == ["1"])
        }
    }

    // MARK: - Acceptance

    @Test func acceptedCopyUsesNoNumberAgain() throws {
        try serve { queue in
            for number in 2...5 { try queue.settle("R-\(number)") }
        }
        try restore()
        let command = try SQLiteStore(path: path, access: .readWrite)
        #expect(try command.acceptRestored(by: "ada", at: now) == 1_000_006)
        command.close()
        try serve { queue in
            #expect(try queue.problems == [])
            try queue.settle("R-2")
            #expect(try positions(queue.store) == ["1", "1000006"])
            #expect(try queue.store.texts("SELECT id FROM refund_queue") == ["1", "1000006"])
            #expect(try queue.problems == [])
            let actions = "SELECT actor || ': ' || action FROM refund_actions"
            #expect(try queue.store.texts(actions).first == "ada: skip refund_event_log 1 1000005")
            // A row that is deleted later is still missed.
            try queue.execute("DROP TRIGGER refund_event_log_delete; DELETE FROM refund_event_log WHERE position = 1")
            #expect(try queue.problems.contains { $0.contains("refund_event_log lacks 1 of its") })
        }
    }

    @Test func copyIsAcceptedEvenIfNothingIsRemembered() throws {
        try restore()
        try FileManager.default.removeItem(atPath: path + ".lock")
        let command = try SQLiteStore(path: path, access: .readWrite)
        try command.acceptRestored(by: "ada", at: now)
        command.close()
        try serve { queue in
            try queue.settle("R-2")
            #expect(try positions(queue.store) == ["1", "1000002"])
            #expect(try queue.problems == [])
        }
    }

    @Test func otherQueueIsServedOnceItIsAccepted() throws {
        let other = folder.path("other.db")
        let store = try SQLiteStore(path: other, access: .readWrite)
        try store.migrate(at: later(1))
        store.close()
        try restore(other)
        let command = try SQLiteStore(path: path, access: .readWrite)
        try command.acceptRestored(by: "ada", at: now)
        command.close()
        try serve { queue in
            try queue.settle("R-1")
            #expect(try positions(queue.store) == ["1000002"])
            #expect(try queue.problems == [])
        }
    }

    // MARK: - Text

    @Test func positionsAreReadAsTheyWereWritten() throws {
        var positions = try #require(PositionMemory.read(beside: DatabasePath.real(path)))
        positions.last = [0, 7, .max, 1_000_000]
        #expect(Positions(text: positions.text) == positions)
        #expect(positions.text.utf8.count == Positions.length)
        for text in ["", "served\n", positions.text + "\n", positions.text.replacing("7", with: "x")] {
            #expect(Positions(text: text) == nil)
        }
    }
}
