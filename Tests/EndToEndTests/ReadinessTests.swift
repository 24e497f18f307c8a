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
}
