import Foundation
import Testing

/// Texts from outside on a terminal and in a log.
struct HarmlessOutputTests {
    /// Control characters of both sets, and marks that reorder what a person reads.
    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0a: false
        case 0..<0x20, 0x7f..<0xa0, 0x202a...0x202e, 0x2066...0x2069: true
        default: false
        }
    }

    private static let hostileScenario = #"""
        [prefixes."HOSTILE-"]
        fails_after_queries = 1
        error_code = "TS-\u001b[31m"
        error_message = "red \u001b[31m\u009b2J\n2026-01-01T00:00:00.000Z notice refundd runs \u202e\u007f"
        """#

    private func withHostileTexts(_ body: (Workspace) async throws -> Void) async throws {
        try await withWorkspace { w in
            try await w.startEverything(scenarios: Self.hostileScenario)
            try await w.sql(
                """
                INSERT INTO refund_queue (merchant_order_no, metadata)
                VALUES ('HOSTILE-1', '{"a":"' || char(155) || '31m' || char(127) || char(8238) || '"}');
                INSERT INTO refund_queue (merchant_order_no, gateway) VALUES ('HOSTILE-1', 'second');
                """
            )
            try await eventually("both refunds seen") {
                let open = "SELECT id FROM refund_queue WHERE state <> 'failed' AND attention IS NULL"
                return try await w.sql(open).isEmpty
            }
            try await body(w)
        }
    }

    @Test(.endToEnd) func nothingFromTheDatabaseReachesATerminalRaw() async throws {
        try await withHostileTexts { w in
            for arguments in [["list"], ["show", "#1"], ["show", "#2"], ["show", "HOSTILE-1"], ["status"]] {
                for form in [[], ["--json"]] {
                    let finished = try await w.run(
                        Programs.refundd,
                        arguments + form + ["--config", w.configurationFile]
                    )
                    let harmful = (finished.output + finished.errors).unicodeScalars.filter(Self.isHarmful)
                    #expect(harmful.isEmpty, "\(arguments + form): \(harmful.map { String($0.value, radix: 16) })")
                    #expect(!(finished.output + finished.errors).isEmpty)
                }
            }
        }
    }

    @Test(.endToEnd) func logInTextHasALineAnEventWhateverIsQuoted() async throws {
        try await withHostileTexts { w in
            let log = try #require(w.daemon?.errors)
            #expect(log.unicodeScalars.filter(Self.isHarmful).isEmpty)
            #expect(log.contains("HOSTILE-1"))
            for line in log.split(separator: "\n") { #expect(!line.hasPrefix("2026-01-01T00:00:00.000Z"), "\(line)") }
        }
    }

    @Test(.endToEnd) func logInJSONHasAnObjectALine() async throws {
        try await withWorkspace { w in
            try w.configure("log", ["format": "\"json\"", "level": "\"debug\""])
            // Nobody listens there, and the address holds what JSON and terminals care about.
            try w.configure("webhook", ["retry_schedule": "[]"])
            try await w.startSimulator(scenarios: Self.hostileScenario)
            try await w.initDatabase()
            try await w.startDaemon()
            try await w.enqueue("HOSTILE-1", ["callback_url": #"http://127.0.0.1:1/"\<x>?a=%1b[31m"#])
            try await w.enqueue("HTTP503-1")
            try await w.refund("HOSTILE-1") { $0["attention"].text == "undeliverable" }
            try await w.refund("HTTP503-1") { $0["last_error"] != .null }
            let daemon = try #require(w.daemon)
            daemon.signal(SIGTERM)
            #expect(try await daemon.exitCode() == 0)

            let lines = try JSON.lines(of: daemon.errors)
            #expect(lines.count > 4)
            for line in lines {
                for name in ["time", "level", "message"] { #expect(line[name].text != nil, "\(line)") }
            }
            #expect(daemon.errors.unicodeScalars.filter(Self.isHarmful).isEmpty)
            #expect(daemon.errors.contains("HOSTILE-1"))
            for secret in ["whsec_", "PRIVATE KEY"] { #expect(!daemon.errors.contains(secret)) }
        }
    }
}
