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

    @Test(.endToEnd) func statusNamesTheQueueAndTheGatewayWhileAllIsWell() async throws {
        try await withWorkspace { w in
            let manager = try w.startPython("notified.py", [w.path("notify")])
            _ = try await manager.outputLine(beginning: "listening")
            try await w.startDaemon(environment: ["NOTIFY_SOCKET": w.path("notify")])
            let status = try await manager.outputLine(beginning: "STATUS=no refund")
            #expect(status == " without a verdict; gateway default not queried yet")
        }
    }

    @Test(.endToEnd) func watchdogIsFedWhileAnotherProgramHoldsTheDatabase() async throws {
        try await withWorkspace(isLong: true) { w in
            try await w.startSimulator(scenarios: "[prefixes.\"LONG-\"]\nnever = true")
            let manager = try await watchdog(of: w)
            try await w.startDaemon(environment: Self.environment(w))
            try await w.enqueue("LONG-1")
            try await w.refund("LONG-1", is: "processing")
            let holder = try w.startPython("hold.py", [w.database, "IMMEDIATE"])
            _ = try await manager.outputLine(beginning: "STATUS=the database \(w.database) is held by")
            let fed = feedings(manager)
            try await eventually("the watchdog fed again") { feedings(manager) >= fed + 2 }
            holder.kill()
        }
    }

    @Test(.endToEnd) func watchdogOfAFrozenSchedulerStarves() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            let manager = try await watchdog(of: w)
            try await w.startDaemon(environment: Self.environment(w, ["CRASH_POINT": "after-claim:1:freeze"]))
            _ = try await manager.outputLine(beginning: "WATCHDOG=1")
            try await w.enqueue("OK-1")
            try await eventually("a whole period without food") {
                let fed = feedings(manager)
                try await Task.sleep(for: .microseconds(Self.period))
                return feedings(manager) == fed
            }
        }
    }

    // Longer than a cycle that finds the database held.
    private static let period = 8_000_000

    private static func environment(_ w: Workspace, _ more: [String: String] = [:]) -> [String: String] {
        more.merging(["NOTIFY_SOCKET": w.path("notify"), "WATCHDOG_USEC": "\(period)"]) { old, _ in old }
    }

    private func watchdog(of w: Workspace) async throws -> RunningProcess {
        let manager = try w.startPython("notified.py", [w.path("notify")])
        _ = try await manager.outputLine(beginning: "listening")
        return manager
    }

    private func feedings(_ manager: RunningProcess) -> Int {
        manager.output.split(separator: "\n").count { $0 == "WATCHDOG=1" }
    }
}
