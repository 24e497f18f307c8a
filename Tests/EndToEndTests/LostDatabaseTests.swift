import Foundation
import Glibc
import Testing

/// Database files that are deleted, replaced or damaged while the daemon runs.
struct LostDatabaseTests {
    private static let files = FileManager.default

    /// Waits until the daemon has stopped because of a file, as an operator would read it.
    private func expectStop(_ w: Workspace, naming file: String, _ words: String) async throws {
        let daemon = try #require(w.daemon)
        #expect(try await daemon.exitCode(within: .seconds(10)) == 74)
        let last = daemon.errors.split(separator: "\n").last.map(String.init) ?? ""
        #expect(last.hasPrefix("refundd: "), "\(last)")
        #expect(last.contains(file) && last.contains(words), "\(last)")
        #expect(daemon.errors.contains("stopping: the database can no longer be trusted"))
    }

    @Test(.endToEnd) func daemonStopsWhenItsDatabaseIsDeletedAndMakesNoNewOne() async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
            try Self.files.removeItem(atPath: w.database)
            try await expectStop(w, naming: w.database, "was deleted or replaced")

            let again = try w.launchDaemon()
            #expect(try await again.exitCode() == 74)
            #expect(again.errors.contains("is gone"), "\(again.errors)")
            #expect(!Self.files.fileExists(atPath: w.database), "an empty queue would forget every refund")

            // An application that opens it makes it anew, with its own tables or without any.
            for sql in ["VACUUM", "CREATE TABLE orders (id INTEGER)"] {
                try await w.sql(sql)
                let deceived = try w.launchDaemon()
                #expect(try await deceived.exitCode() == 74)
                #expect(deceived.errors.contains("is gone"), "\(deceived.errors)")
                #expect(try await w.sql("SELECT 1 FROM sqlite_master WHERE name LIKE 'refund_%'").isEmpty)
            }

            // As the message says: whoever gives every refund up removes each file that shows that there were some.
            try Self.files.removeItem(atPath: w.database + ".lock")
            #expect(try await w.refundd("init").errors.contains("\(w.database).rescued shows"))
            try Self.files.removeItem(atPath: w.database + ".rescued")
            try await w.initDatabase()
            try await w.startDaemon()
            try await w.enqueue("OK-2")
            try await w.refund("OK-2", is: "settled")
        }
    }

    /// Deletes a queue that refundd has served, or its tables.
    private func expectMissing(_ w: Workspace, _ commands: [[String]]) async throws {
        for command in commands {
            let finished = try await w.run(Programs.refundd, command + ["--config", w.configurationFile])
            #expect(finished.exitCode == 74, "\(command): \(finished.output)")
            #expect(finished.errors.contains("is gone"), "\(command): \(finished.errors)")
            #expect(finished.errors.contains("restore the database"), "\(command): \(finished.errors)")
            #expect(!finished.errors.contains("refundd init"), "\(command): \(finished.errors)")
        }
    }

    @Test(.endToEnd) func initIsNeitherAdvisedNorPossibleForAServedQueueThatIsGone() async throws {
        try await withWorkspace { w in
            let commands = [
                ["status"], ["list"], ["show", "R-1"], ["webhooks"], ["events"], ["verify"], ["backup", "copy.db"],
                ["enqueue", "--order", "R-1"], ["abandon", "R-1", "--reason", "x"], ["query", "R-1"],
                ["redeliver", "--dead"], ["run"], ["init"],
            ]
            // A queue that nobody has served yet may hold refunds, too.
            try await w.initDatabase()
            let backup = Self.files.contents(atPath: w.database)
            try await w.sql("DROP TABLE refund_queue")
            try await expectMissing(w, commands)
            for suffix in ["", "-wal", "-shm"] { try? Self.files.removeItem(atPath: w.database + suffix) }
            try await expectMissing(w, commands)
            #expect(!Self.files.fileExists(atPath: w.database))
            let unfinished = w.database + "-wal"
            try #require(Self.files.createFile(atPath: unfinished, contents: Data("refunds".utf8)))
            try Self.files.removeItem(atPath: w.database + ".lock")
            try await expectMissing(w, commands)
            #expect(Self.files.contents(atPath: unfinished) == Data("refunds".utf8), "SQLite would delete it")
            try Self.files.moveItem(atPath: unfinished, toPath: w.database + ".rescued")
            try await expectMissing(w, commands)
            try await w.sql("CREATE TABLE orders (id INTEGER)")
            try await expectMissing(w, commands)
            #expect(try await w.sql("SELECT name FROM sqlite_master").count == 1)
            try #require(Self.files.createFile(atPath: w.database, contents: backup))
            #expect(try await w.refundd("list").exitCode == 0)
        }
    }

    @Test(.endToEnd) func initIsNotAdvisedForAFolderThatIsMissingOrClosed() async throws {
        try await withWorkspace { w in
            try w.configure("database", ["path": "\"mounted/refundd.db\""])
            for command in ["status", "list", "webhooks", "verify", "init"] {
                let finished = try await w.refundd(command)
                #expect(finished.exitCode == 74)
                #expect(finished.errors.contains("does not exist; mount its file system"), "\(finished.errors)")
                #expect(!finished.errors.contains("refundd init"), "\(finished.errors)")
            }
            guard geteuid() == 0 else { return }
            try Self.files.createDirectory(atPath: w.path("mounted"), withIntermediateDirectories: false)
            try await w.initDatabase()
            try w.protect("mounted", 0o700)
            for command in ["status", "list", "webhooks", "verify"] {
                let arguments = ["--reuid=nobody", "--clear-groups", Programs.refundd, command]
                let finished = try await w.run("setpriv", arguments + ["--config", w.configurationFile])
                #expect(finished.exitCode == 74, "\(finished.errors)")
                #expect(finished.errors.contains("Permission denied"), "\(finished.errors)")
                #expect(!finished.errors.contains("refundd init"), "\(finished.errors)")
            }
        }
    }

    @Test(.endToEnd) func daemonStopsWhenItsLockIsDeletedSinceAnotherMightServeAsWell() async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            try Self.files.removeItem(atPath: w.database + ".lock")
            try await expectStop(w, naming: w.database + ".lock", "another refundd")
            try await w.startDaemon()
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
        }
    }

    @Test(.endToEnd) func databaseThatCouldNotBeSetUpYetWasNotServed() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            try w.write("no database", to: "refundd.db")
            #expect(try await w.launchDaemon().exitCode() == 74)
            try Self.files.removeItem(atPath: w.database)
            try await w.startDaemon()
        }
    }

    @Test(.endToEnd) func verdictForADatabaseThatWasReplacedIsNotActedOn() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startEverything(scenarios: "[prefixes.\"SLOW-\"]\nsettles_after_queries = 1\nlatency = \"4s\"")
            try await w.enqueue("SLOW-1")
            try await eventually("in flight") { try await w.queriesInSimulator()["SLOW-1"] == 1 }
            let backup = try await w.refundd("backup", w.path("backup.db"))
            #expect(backup.exitCode == 0, "\(backup.errors)")
            let bytes = Self.files.contents(atPath: w.path("backup.db"))
            try #require(unsafe rename(w.path("backup.db"), w.database) == 0)
            try await expectStop(w, naming: w.database, "was deleted or replaced")
            #expect(Self.files.contents(atPath: w.database) == bytes, "what took its place is not touched")
            #expect(try receiver.requests().isEmpty, "no receiver learns what is written nowhere")

            // As the message says.
            for suffix in ["-wal", "-shm"] { try? Self.files.removeItem(atPath: w.database + suffix) }
            try await w.startDaemon()
            try await w.refund("SLOW-1", is: "settled")
            try await eventually("its webhook") { try receiver.requests().count == 1 }
            #expect(try await w.refundd("verify").exitCode == 0)
        }
    }

    @Test(.endToEnd, arguments: ["-wal", "-shm"])
    func whatWasWrittenIsThereAfterTheLogWasDeleted(suffix: String) async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            let orders = (1...5).map { "OK-\($0)" }
            try await w.enqueue(orders)
            for order in orders { try await w.refund(order, is: "settled") }
            try Self.files.removeItem(atPath: w.database + suffix)
            try await expectStop(w, naming: w.database + suffix, "was deleted or replaced")
            // What only the daemon still saw is in the copy that its last line names.
            let copy = w.database + ".rescued"
            #expect(w.daemon?.errors.contains("saved to \(copy)") == true)
            for file in ["", "-wal", "-shm"] { try? Self.files.removeItem(atPath: w.database + file) }
            try Self.files.moveItem(atPath: copy, toPath: w.database)
            try await w.startDaemon()
            for order in orders {
                #expect(try await w.refund(order)["state"].text == "settled")
                #expect(try await w.ledger(order) == ["pending>settled"])
            }
            #expect(try await w.refundd("verify").exitCode == 0)
        }
    }

    @Test(.endToEnd) func daemonStopsAtADamagedPageAndAsksNothingMore() async throws {
        try await withWorkspace { w in
            try await w.startEverything(scenarios: "[prefixes.\"LONG-\"]\nnever = true")
            try await w.enqueue("LONG-1")
            try await w.refund("LONG-1", is: "processing")
            // What the daemon has in memory is read anew once somebody else has written.
            try await w.sql("CREATE TABLE shop (id INTEGER); PRAGMA wal_checkpoint(TRUNCATE)")
            let index = try await w.sql("SELECT rootpage FROM sqlite_master WHERE name = 'refund_queue_due'")
            let page = try #require(index[0]["rootpage"].integer)
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: w.database))
            try file.seek(toOffset: UInt64((page - 1) * 4_096))
            try file.write(contentsOf: Data(repeating: 0xA5, count: 4_096))
            try file.close()
            try await w.sql("INSERT INTO shop VALUES (1)")
            try await expectStop(w, naming: w.database, "is damaged")

            let asked = try await w.queriesInSimulator()
            let again = try w.launchDaemon()
            #expect(try await again.exitCode() == 74)
            #expect(again.errors.contains("is damaged") && again.errors.contains("backup"), "\(again.errors)")
            #expect(try await w.queriesInSimulator() == asked)

            let verified = try await w.refundd("verify")
            #expect(verified.exitCode == 1)
            #expect(verified.output.contains("the file is damaged: "), "\(verified.output)")
            let backup = try await w.refundd("backup", w.path("copy.db"))
            #expect(backup.exitCode == 74)
            #expect(backup.errors.contains("the database \(w.database) is damaged"), "\(backup.errors)")
            #expect(backup.errors.contains("there is no copy"), "\(backup.errors)")
            let left = try Self.files.contentsOfDirectory(atPath: w.folder.path)
            #expect(left.allSatisfy { !$0.hasPrefix("copy.db") }, "\(left)")
        }
    }

    @Test(.endToEnd) func databaseThatWasLostIsServedAgainOnlyOnceItIsWhole() async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            try Self.files.removeItem(atPath: w.database + "-wal")
            try await expectStop(w, naming: w.database + "-wal", "was deleted or replaced")
            try await w.sql(Self.damage)
            let again = try w.launchDaemon()
            #expect(try await again.exitCode() == 74)
            #expect(again.errors.contains("is damaged"), "\(again.errors)")

            try await w.sql("VACUUM")
            try await w.startDaemon()
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
            let text = String(decoding: Self.files.contents(atPath: w.database + ".lock") ?? Data(), as: UTF8.self)
            #expect(text.contains("\nserved\n"), "not checked again: \(text)")
        }
    }

    /// Leaves a page behind that belongs to nothing: SQLite works on without an error.
    private static let damage = """
        CREATE TABLE shop (amount INTEGER); CREATE INDEX shop_amounts ON shop (amount);
        PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE name = 'shop_amounts';
        """

    @Test(.endToEnd) func damageThatNobodyHasMetYetIsFoundByVerifyAndKeptOutOfABackup() async throws {
        try await withWorkspace { w in
            try await w.initDatabase()
            try await w.sql(Self.damage)
            let verified = try await w.refundd("verify")
            #expect(verified.exitCode == 1)
            #expect(verified.output.contains("the file is damaged: "), "\(verified.output)")
            let backup = try await w.refundd("backup", w.path("copy.db"))
            #expect(backup.exitCode == 74)
            #expect(backup.errors.contains("the database \(w.database) is damaged"), "\(backup.errors)")
            #expect(!Self.files.fileExists(atPath: w.path("copy.db")))
        }
    }
}
