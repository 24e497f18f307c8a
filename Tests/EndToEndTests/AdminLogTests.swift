import Glibc
import Testing

/// What the log says about start and reload.
struct AdminLogTests {
    @Test(.endToEnd) func startSaysWhatRunsAndHowMuchWaits() async throws {
        try await withWorkspace { w in
            try w.configure("gateway", ["url": "\"http://127.0.0.1:1\""])
            _ = try await w.refundd("init")
            try await w.enqueue(["R-1", "R-2", "R-3"])
            let daemon = try await w.startDaemon()
            let line = try #require(daemon.errors.split(separator: "\n").first { $0.contains("started") })
            #expect(line.contains(" configuration=\(w.configurationFile) database=\(w.database) gateways=default "))
            #expect(line.contains(" version=0.1.0 "))
            #expect(line.contains(" \"without a verdict\"=3"))
            #expect(!line.contains("message_id"))
        }
    }

    @Test(.endToEnd) func reloadNamesRotatedSecretsAndSaysIfNothingChanged() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            let daemon = try await w.startDaemon()
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "configuration reloaded changed=nothing")
            try w.writeSecret(to: "webhook_secret")
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "configuration reloaded changed=\"webhook secrets\"")
        }
    }
}
