import Foundation
import Testing

/// What the daemon tells a service manager.
struct ReadinessTests {
    @Test(.endToEnd) func readyIsToldOnceTheDaemonPolls() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            let manager = try w.startPython("notified.py", [w.path("notify")])
            _ = try await manager.outputLine(beginning: "listening")
            // Nobody ran init: the daemon migrates by itself.
            let daemon = try w.launchDaemon(environment: ["NOTIFY_SOCKET": w.path("notify")])
            _ = try await manager.outputLine(beginning: "READY=1")
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
            daemon.signal(SIGTERM)
            #expect(try await daemon.exitCode() == 0)
        }
    }

    @Test(.endToEnd) func readyIsToldOnlyOnceTheAdminAddressAnswers() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            let port = try await w.freePort()
            try w.configure("admin", ["listen": "\"127.0.0.1:\(port)\""])
            let manager = try w.startPython("notified.py", [w.path("notify")])
            _ = try await manager.outputLine(beginning: "listening")
            _ = try w.launchDaemon(environment: ["NOTIFY_SOCKET": w.path("notify")])
            _ = try await manager.outputLine(beginning: "READY=1")
            #expect(try await w.get("/readyz", port: port).status == 200)
        }
    }

    @Test(.endToEnd) func databaseThatCannotBeWrittenIsToldAndThatItCanAgain() async throws {
        try await withWorkspace { w in
            try await w.startSimulator(scenarios: "[prefixes.\"LONG-\"]\nnever = true")
            let manager = try w.startPython("notified.py", [w.path("notify")])
            _ = try await manager.outputLine(beginning: "listening")
            try await w.startDaemon(environment: ["NOTIFY_SOCKET": w.path("notify")])
            try await w.enqueue("LONG-1")
            try await w.refund("LONG-1", is: "processing")
            let holder = try w.startPython("hold.py", [w.database, "IMMEDIATE"])
            _ = try await manager.outputLine(beginning: "STATUS=the database \(w.database) is held by")
            holder.kill()
            _ = try await manager.outputLine(beginning: "STATUS=serving again")
        }
    }
}
