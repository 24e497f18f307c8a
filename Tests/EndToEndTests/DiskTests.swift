import Foundation
import Testing

/// A disk that is full or read-only, a database that another program holds, and a log that cannot be emptied.
struct DiskTests {
    /// A daemon in the middle of its work.
    private struct Scene {
        let w: Workspace
        let receiver: Receiver
        let port: Int

        /// Waits for a 503 of `/readyz`, which says nothing about the cause, and for the cause in the log.
        func waitUntilNotReady(because reason: String) async throws {
            let body = "{\"ready\":false,\"reasons\":[\"the database cannot be written\"]}\n"
            try await eventually("not ready: \(reason)", within: .seconds(20)) {
                let answer = try await w.get("/readyz", port: port)
                return answer.status == 503 && answer.body == body && w.daemon?.errors.contains(reason) == true
            }
        }

        /// Checks that for some time no query and no webhook leaves the daemon, which goes on running.
        func expectSilence(for duration: Duration) async throws {
            let before = try await w.queriesInSimulator()
            let daemon = try #require(w.daemon)
            #expect(try await holds(for: duration) { daemon.isRunning })
            #expect(try await w.queriesInSimulator() == before, "no query whose answer could not be written")
            #expect(try receiver.requests().isEmpty, "no webhook whose attempt could not be written")
        }

        /// Checks that what was answered meanwhile is written once and reported once.
        func expectWrittenOnce() async throws {
            try await w.refund("SLOW-1", is: "settled")
            try await eventually("its webhook") {
                try await w.webhooks("SLOW-1").map { $0["state"].text } == ["delivered"]
            }
            #expect(try await w.queriesInSimulator()["SLOW-1"] == 1, "the answer was kept, not asked for again")
            #expect(try await w.ledger("SLOW-1") == ["pending>settled"])
            #expect(try receiver.requests().count == 1)
            try await eventually("ready again") { try await w.get("/readyz", port: port).status == 200 }
            for said in ["database write failed, retrying", "database writes succeed again"] {
                #expect(w.daemon?.errors.contains(said) == true, "\(said)")
            }
            let verified = try await w.refundd("verify")
            #expect(verified.exitCode == 0, "\(verified.output)")
        }
    }

    /// Runs a daemon until one refund's query is in flight, while another is asked for several times a second.
    private func sceneWithQueryInFlight(in w: Workspace) async throws -> Scene {
        let scene = Scene(w: w, receiver: try await w.startReceiver(), port: try await w.freePort())
        try w.configure("admin", ["listen": "\"127.0.0.1:\(scene.port)\""])
        try w.configure("webhook", ["url": "\"\(scene.receiver.url("take"))\""])
        try await w.startEverything(
            scenarios: """
                [prefixes."SLOW-"]
                settles_after_queries = 1
                latency = "3s"
                [prefixes."LONG-"]
                never = true
                """
        )
        try await w.enqueue("LONG-1")
        try await w.refund("LONG-1", is: "processing")
        try await w.enqueue("SLOW-1")
        try await eventually("the query is in flight") { try await w.queriesInSimulator()["SLOW-1"] == 1 }
        return scene
    }

    private func withQueryInFlight(_ body: (Scene) async throws -> Void) async throws {
        try await withWorkspace { w in try await body(try await sceneWithQueryInFlight(in: w)) }
    }

    private func withQueryInFlight<Disk: MountedDisk>(
        on _: Disk.Type,
        _ body: (Scene, Disk) async throws -> Void
    ) async throws {
        try await withWorkspace { w in
            let disk = try Disk(in: w)
            try w.link("disk/refundd.db", as: w.database)
            try await body(try await sceneWithQueryInFlight(in: w), disk)
        }
    }

    @Test(.endToEnd) func answerThatAFullDiskRefusesIsWrittenOnceThereIsRoom() async throws {
        try await withQueryInFlight(on: SmallDisk.self) { scene, disk in
            try disk.fill()
            try await scene.waitUntilNotReady(because: "is full; free some space on it")
            try await scene.expectSilence(for: .seconds(4))
            #expect(try await scene.w.refund("SLOW-1")["state"].text == "pending")
            let refused = try await scene.w.refundd("enqueue", "--order", "OK-1")
            #expect(refused.exitCode == 74)
            #expect(refused.errors.contains("full"), "\(refused.errors)")
            try disk.clear()
            try await scene.expectWrittenOnce()
        }
    }

    @Test(.endToEnd) func answerThatALongTransactionKeepsOutIsWrittenOnceItEnds() async throws {
        try await withQueryInFlight { scene in
            let holder = try scene.w.startPython("hold.py", [scene.w.database, "IMMEDIATE"])
            _ = try await holder.outputLine(beginning: "holding")
            try await scene.waitUntilNotReady(because: "process \(holder.id)")
            // Longer than SQLite waits for a lock, and than the answer takes.
            try await scene.expectSilence(for: .seconds(7))
            holder.kill()
            try await scene.expectWrittenOnce()
        }
    }

    @Test(.endToEnd) func killedWhileTheDiskIsFullTheDaemonLosesNothing() async throws {
        try await withQueryInFlight(on: SmallDisk.self) { scene, disk in
            let w = scene.w
            try disk.fill()
            try await scene.waitUntilNotReady(because: "is full; free some space on it")
            w.daemon?.kill()
            let early = try w.launchDaemon()
            #expect(try await early.exitCode() == 74)
            #expect(early.errors.contains("full"), "\(early.errors)")
            try disk.clear()
            try await w.startDaemon()
            try await w.refund("SLOW-1", is: "settled")
            #expect(try await w.ledger("SLOW-1") == ["pending>settled"])
            #expect(try await w.refundd("verify").exitCode == 0)
        }
    }

    private static let isReadOnly = "make the file, its folder and its file system writable"

    @Test(.endToEnd, .enabled(if: FailingDisk.isPossible, FailingDisk.needs))
    func answerThatAReadOnlyLogRefusesIsWrittenOnceItCanBe() async throws {
        try await withQueryInFlight(on: FailingDisk.self) { scene, disk in
            try disk.forbidWriting("refundd.db-wal")
            try await scene.waitUntilNotReady(because: Self.isReadOnly)
            try await scene.expectSilence(for: .seconds(4))
            #expect(try await scene.w.refund("SLOW-1")["state"].text == "pending")
            try disk.allowWriting("refundd.db-wal")
            try await scene.expectWrittenOnce()
        }
    }

    /// The kernel refuses to remount a file system read-only while a file is open for writing, unless it finds an error;
    /// then only unmounting makes it writable again.
    @Test(.endToEnd, .enabled(if: FailingDisk.isPossible, FailingDisk.needs))
    func fileSystemThatTurnsReadOnlyIsNamedAndLosesNothing() async throws {
        try await withQueryInFlight(on: FailingDisk.self) { scene, disk in
            let w = scene.w
            try disk.fail()
            try await scene.waitUntilNotReady(because: Self.isReadOnly)
            try await scene.expectSilence(for: .seconds(4))
            w.daemon?.kill()
            _ = try await w.daemon?.exitCode()
            let early = try w.launchDaemon()
            #expect(try await early.exitCode() == 74)
            #expect(early.errors.contains("Read-only file system"), "\(early.errors)")
            try disk.repair()
            try await w.startDaemon()
            try await w.refund("SLOW-1", is: "settled")
            #expect(try await w.ledger("SLOW-1") == ["pending>settled"])
            #expect(try await w.refundd("verify").exitCode == 0)
        }
    }

    @Test(.endToEnd) func fileSystemThatNobodyMayWriteIs74() async throws {
        try await withWorkspace { w in
            let disk = try SmallDisk(in: w)
            try w.link("disk/refundd.db", as: w.database)
            try await w.startEverything()
            w.daemon?.kill()
            try disk.makeReadOnly()
            for command in [["run"], ["init"], ["enqueue", "--order", "R-1"]] {
                let finished = try await w.run(Programs.refundd, command + ["--config", w.configurationFile])
                #expect(finished.exitCode == 74, "\(command)")
                #expect(finished.errors.contains("refundd.db"), "\(command): \(finished.errors)")
                let saysSo = ["Read-only file system", "make the file, its folder and its file system writable"]
                #expect(saysSo.contains { finished.errors.contains($0) }, "\(command): \(finished.errors)")
            }
        }
    }

    @Test(.endToEnd) func logThatAReaderKeepsGrowingIsToldAndShrinksOnceTheReaderEnds() async throws {
        try await withWorkspace { w in
            let port = try await w.freePort()
            try w.configure("admin", ["listen": "\"127.0.0.1:\(port)\""])
            try await w.startEverything()
            try await w.sql("CREATE TABLE shop_pictures (picture BLOB)")
            func walBytes() async throws -> Int64 {
                try #require(try await w.refundd("status", "--json").json["wal_bytes"].integer)
            }
            func warnings() -> Int {
                (w.daemon?.errors.components(separatedBy: "the write-ahead log keeps growing").count ?? 1) - 1
            }
            let reader = try w.startPython("hold.py", [w.database, "READ"])
            _ = try await reader.outputLine(beginning: "holding")
            let picture = "INSERT INTO shop_pictures SELECT zeroblob(1000000) FROM (VALUES \(rows(60)))"
            try await w.sql(picture)
            #expect(try await walBytes() > 50_000_000)
            #expect(warnings() == 0)
            try await w.sql(picture)
            try await eventually("a warning") { warnings() == 1 }
            #expect(w.daemon?.errors.contains("(process \(reader.id),") == true, "who keeps it")
            try await w.sql(picture)
            try await w.sql(picture)
            try await eventually("a second warning at twice the size") { warnings() == 2 }
            let size = try await walBytes()
            #expect(size > 200_000_000)
            let metrics = try await w.get("/metrics", port: port)
            #expect(metrics.body.contains("refundd_wal_bytes \(size)"), "\(metrics.body)")
            #expect(try await w.refundd("status").output.contains("write-ahead log"))

            reader.kill()
            try await w.enqueue("OK-1")
            try await eventually("the log is cut") { try await walBytes() <= 64 * 1_024 * 1_024 }
        }
    }

    private func rows(_ number: Int) -> String {
        (1...number).map { "(\($0))" }.joined(separator: ", ")
    }
}
