import Foundation
import Testing

/// Databases that another program keeps busy.
struct HeldDatabaseTests {
    @Test(.endToEnd) func startWaitsForATransactionThatEndsSoon() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            try await w.initDatabase()
            let holder = try w.startPython("hold.py", [w.database, "IMMEDIATE"])
            _ = try await holder.outputLine(beginning: "holding")
            let daemon = try w.launchDaemon()
            #expect(try await holds(for: .seconds(2)) { daemon.isRunning })
            holder.kill()
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
        }
    }

    @Test(.endToEnd) func startOutlastsALongTransactionAndStatusNamesItsProcess() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            try await w.initDatabase()
            try await w.enqueue("OK-1")
            let holder = try w.startPython("hold.py", [w.database, "IMMEDIATE"])
            _ = try await holder.outputLine(beginning: "holding")
            let daemon = try w.launchDaemon()
            let status = try await eventually("the process in status") {
                let status = try await w.refundd("status")
                return status.exitCode == 1 && status.output.contains("cannot start") ? status.output : nil
            }
            #expect(status.contains("(process \(holder.id)"))
            #expect(status.contains("run: kill \(holder.id)"))
            try await eventually("the process in the log") {
                daemon.errors.contains("cannot start yet") && daemon.errors.contains("(process \(holder.id)")
            }
            // Longer than SQLite is asked to wait for a lock.
            #expect(try await holds(for: .seconds(2)) { daemon.isRunning })
            let refused = try await w.refundd("enqueue", "--order", "OK-2")
            #expect(refused.exitCode == 74)
            #expect(!refused.errors.contains("(process \(daemon.id)"), "it only waits, too")
            holder.kill()
            try await w.refund("OK-1", is: "settled")
        }
    }

    @Test(.endToEnd) func whoHoldsAFileThatCannotBeSetToWALIsSaid() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            #expect(try await w.runPython("application.py", [w.database, "create"]).exitCode == 0)
            let holder = try w.startPython("hold.py", [w.database, "READ"])
            _ = try await holder.outputLine(beginning: "holding")
            let daemon = try w.launchDaemon()
            #expect(try await daemon.exitCode(within: .seconds(30)) == 74)
            #expect(daemon.errors.contains(w.database))
            #expect(daemon.errors.contains("\(holder.id)"), "the process that holds it: \(daemon.errors)")

            holder.kill()
            try await w.startDaemon()
            #expect(try await w.sql("PRAGMA journal_mode")[0]["journal_mode"].text == "wal")
        }
    }

    @Test(.endToEnd) func daemonSurvivesALongTransactionOfAnApplication() async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            try await w.enqueue("OK3-1")
            try await w.refund("OK3-1", is: "processing")
            let holder = try w.startPython("hold.py", [w.database, "IMMEDIATE"])
            _ = try await holder.outputLine(beginning: "holding")
            let daemon = try #require(w.daemon)
            // Longer than SQLite is asked to wait for a lock.
            #expect(try await holds(for: .seconds(7)) { daemon.isRunning })
            holder.kill()
            try await w.refund("OK3-1", is: "settled")
            #expect(try await w.ledger("OK3-1") == ["pending>processing", "processing>settled"])
        }
    }
}
