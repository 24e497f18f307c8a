import Foundation
import Testing

/// One daemon per database.
struct OneDaemonTests {
    @Test(.endToEnd, arguments: [false, true])
    func secondDaemonEndsWith75WhileTheFirstGoesOn(throughSymbolicLink: Bool) async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            let first = try #require(w.daemon)
            var path = w.database
            if throughSymbolicLink {
                path = w.path("link.db")
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: w.database)
            }
            try w.configure("database", ["path": "\"\(path)\""])
            let second = try w.launchDaemon()
            #expect(try await second.exitCode(within: .seconds(10)) == 75)
            #expect(second.errors.contains("refundd.db") || second.errors.contains("link.db"))
            #expect(second.errors.contains("another") || second.errors.contains("already"))

            #expect(first.isRunning)
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
        }
    }

    @Test(.endToEnd) func nextDaemonServesOnceTheFirstWasKilled() async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            w.daemon?.kill()
            try await w.startDaemon()
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
        }
    }

    @Test(.endToEnd) func stoppedDaemonIsNamedWithTheCommandThatLetsItGoOn() async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            let daemon = try #require(w.daemon)
            daemon.signal(SIGSTOP)
            try await eventually("status names it") {
                let status = try await w.refundd("status")
                return status.exitCode == 1 && status.output.contains("run: kill -CONT \(daemon.id)")
            }
            daemon.signal(SIGCONT)
            try await eventually("healthy again") { try await w.refundd("status").exitCode == 0 }
        }
    }

    @Test(.endToEnd) func daemonThatStartsWhileACommandQueriesServesOnceThatHasEnded() async throws {
        try await withWorkspace { w in
            try await w.startSimulator(scenarios: "[prefixes.\"SLOW-\"]\nsettles_after_queries = 1\nlatency = \"3s\"")
            try await w.initDatabase()
            try await w.enqueue("SLOW-1")
            let query = try w.begin("query", "SLOW-1")
            try await eventually("SLOW-1 in flight") { try await w.queriesInSimulator()["SLOW-1"] == 1 }
            let daemon = try w.launchDaemon()
            #expect(try await holds(for: .seconds(1)) { daemon.isRunning && !daemon.errors.contains("started") })
            #expect(try await query.exitCode() == 0, "\(query.errors)")
            try await daemon.waitForErrors(containing: "started")
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
            #expect(try w.asked("SLOW-1").count == 1)
        }
    }
}
