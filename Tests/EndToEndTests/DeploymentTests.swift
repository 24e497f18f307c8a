import Foundation
import Testing

/// What `deploy` ships, with the users that it is for: the daemon's, an application's, and an operator's with `sudo`.
@Suite(.enabled(if: Deployment.isPossible, Deployment.needs))
struct DeploymentTests {
    @Test(.endToEnd, arguments: [false, true])
    func applicationOfTheGroupEnqueuesAndRootsCommandsAreNobodysHindrance(isMadeByRoot: Bool) async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            let deployment = try await Deployment(in: w)
            try await deployment.configure(keysIn: "credentials", of: "0")
            if isMadeByRoot { try await deployment.sudo("init") }
            let daemon = try await deployment.startDaemon()
            try await deployment.enqueue("OK-1")
            try await deployment.settled("OK-1")
            try await operate(deployment, "OK3-1")
            daemon.signal(SIGTERM)
            #expect(try await daemon.exitCode() == 0)

            // Without a daemon an operator's command does its work, and leaves nothing that is in another user's way.
            try await operate(deployment, "OK3-2")
            let next = try await deployment.startDaemon()
            for order in ["OK3-1", "OK3-2"] { try await deployment.settled(order) }
            try await deployment.enqueue("OK-2")
            try await deployment.settled("OK-2")
            next.signal(SIGTERM)
            #expect(try await next.exitCode() == 0)
        }
    }

    /// Everything that the README has an operator do with `sudo`.
    private func operate(_ deployment: Deployment, _ order: String) async throws {
        try await deployment.enqueue(order)
        try await deployment.sudo("query", order)
        try await deployment.sudo("check", "--online")
        try await deployment.sudo("init")
        try await deployment.sudo("verify")
        try await deployment.sudo("backup", deployment.workspace.path("\(order).db"))
        for command in ["list", "webhooks"] { try await deployment.sudo(command) }
        try await deployment.sudo("enqueue", "--order", "NEVER-\(order)")
        try await deployment.sudo("abandon", "NEVER-\(order)", "--reason", "not ours")
    }

    @Test(.endToEnd) func keysOfTheDaemonsUserServeRootsCommands() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            let deployment = try await Deployment(in: w)
            try await deployment.configure(of: deployment.user)
            try await deployment.sudo("check", "--online")
            let daemon = try await deployment.startDaemon()
            try await operate(deployment, "OK3-1")
            daemon.signal(SIGTERM)
            #expect(try await daemon.exitCode() == 0)
            try await operate(deployment, "OK3-2")
            _ = try await deployment.startDaemon()
            try await deployment.settled("OK3-2")
        }
    }

    @Test(.endToEnd) func databaseThatTheDaemonMayNoLongerUseIsReportedWithTheCommandThatEndsIt() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            let deployment = try await Deployment(in: w)
            try await deployment.configure(of: deployment.user)
            _ = try await deployment.startDaemon()
            try await deployment.enqueue("OK-1")
            try await deployment.settled("OK-1")
            try await deployment.sudo("status")
            // As a restore by root leaves it.
            let restored = "chown 0:0 \(deployment.database) && chmod 600 \(deployment.database)"
            #expect(try await w.run("sh", ["-c", restored]).exitCode == 0)
            let status = try await w.refundd("status", "--json", "--config", deployment.configurationFile)
            #expect(status.exitCode == 1)
            let problem = try #require(try status.json["findings"].items.first)
            #expect(problem["subject"].text == "database" && problem["gravity"].text == "problem", "\(problem)")
            let text = "cannot read and write \(deployment.database)"
            #expect(problem["text"].text?.contains(text) == true, "\(problem)")
            let command = try #require(problem["command"].text)
            #expect(try await w.run("sh", ["-c", command]).exitCode == 0, "\(command)")
            try await deployment.sudo("status")
            try await deployment.enqueue("OK-2")
            try await deployment.settled("OK-2")
        }
    }
}
