import Foundation
import Testing

/// `refundd doctor`.
struct DoctorTests {
    @Test(.endToEnd) func soundInstallationHasNoProblem() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startEverything()
            let doctor = try await w.refundd("doctor")
            #expect(doctor.exitCode == 0, "\(doctor.output)")
            for subject in ["configuration", "credentials", "database", "clock", "inotify", "unit", "gateway default"] {
                #expect(doctor.output.contains(subject), "\(subject): \(doctor.output)")
            }
            #expect(doctor.output.contains("no problem found"))
            let json = try await w.refundd("doctor", "--json").json
            #expect(json["healthy"] == .bool(true))
            #expect(json["findings"].items.count > 5)
        }
    }

    @Test(.endToEnd) func everyProblemHasItsCommand() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            try await w.initDatabase()
            try await w.enqueue("OK-1")
            try w.configureUnreachableGateway()
            try w.protect("webhook_secret", 0o644)
            let doctor = try await w.refundd("doctor", environment: ["COLUMNS": "400"])
            #expect(doctor.exitCode == 1)
            let unread = "gateway: not queried, because the credentials have problems"
            for words in ["refundd is not running, and 1 refund waits", "webhook_secret", unread] {
                #expect(doctor.output.contains(words), "\(words): \(doctor.output)")
            }
            try w.protect("webhook_secret", 0o600)
            let findings = try await w.refundd("doctor", "--json").json["findings"].items
            let problems = findings.filter { $0["gravity"].text == "problem" }
            #expect(problems.map { $0["subject"].text }.contains("gateway default"))
            for problem in problems {
                // What the doctor has just done is no advice.
                let command = try #require(problem["command"].text, "\(problem)")
                #expect(command != "refundd check --online" && command != "refundd doctor", "\(problem)")
            }
            let queries = try w.asked().count
            _ = try await w.refundd("doctor", "--offline")
            #expect(try w.asked().count == queries)
        }
    }

    @Test(.endToEnd) func brokenConfigurationDoesNotKeepItFromTheDatabase() async throws {
        try await withWorkspace { w in
            try w.configure("gateway", ["app_id": "7"])
            try w.write(String(repeating: "this is no database\n", count: 100), to: "refundd.db")
            let doctor = try await w.refundd("doctor")
            #expect(doctor.exitCode == 1)
            #expect(doctor.output.contains("app_id") && doctor.output.contains("refundd.db"), "\(doctor.output)")
        }
    }
}
