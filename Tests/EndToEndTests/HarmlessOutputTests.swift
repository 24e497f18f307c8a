import Foundation
import Testing

/// Texts from outside on a terminal and in a log.
struct HarmlessOutputTests {
    /// Control characters of both sets, and marks that reorder what an operator reads.
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
        error_message = "red \u001b[31m\u009b2J\n2026-01-01T00:00:00.000Z notice started \u202e\u007f"
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
            // What an application should never write, and can.
            try await w.sql(
                """
                UPDATE refund_queue SET last_error = char(27) || '[2J' || char(155) || char(10) || 'x',
                    trans_amount = char(27) || '[31m', trans_currency = char(8238) WHERE gateway = 'second'
                """
            )
            try await body(w)
        }
    }

    @Test(.endToEnd) func nothingFromTheDatabaseReachesATerminalRaw() async throws {
        try await withHostileTexts { w in
            for arguments in [
                ["list"], ["show", "#1"], ["show", "#2"], ["show", "HOSTILE-1"], ["status"], ["webhooks"], ["verify"],
                ["list", "--attention"], ["doctor", "--offline"],
            ] {
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
            let query = try await w.refundd("query", "#1")
            #expect(query.exitCode == 1)
            #expect(query.errors.unicodeScalars.filter(Self.isHarmful).isEmpty)
            for arguments in [
                ["abandon", "#2", "--reason", "\u{1B}[31m\u{202E}"], ["abandon", "\u{1B}[31m", "--reason", "x"],
                ["resolve", "#1", "--as", "failed", "--reason", "\u{9B}2J"], ["redeliver", "\u{1B}[2J"],
                ["enqueue", "--order", "\u{1B}[2J"], ["backup", "\u{1B}[2J/no"], ["show", "#2"],
                ["\u{1B}[2J"], ["events"], ["evidence", "#1", "--to", "\u{1B}[2J/no"],
            ] {
                let finished = try await w.run(Programs.refundd, arguments + ["--config", w.configurationFile])
                let harmful = (finished.output + finished.errors).unicodeScalars.filter(Self.isHarmful)
                #expect(harmful.isEmpty, "\(arguments): \(finished.output) \(finished.errors)")
            }
        }
    }

    @Test(.endToEnd, arguments: ["text", "json"]) func answersOfAHostileGatewayAndReceiverAreHarmless(
        format: String
    ) async throws {
        try await withWorkspace { w in
            let hostile = try w.startPython("hostile.py", [])
            let origin = "http://127.0.0.1:\(try await hostile.outputLine(beginning: "listening on "))"
            try await w.startSimulator()
            try w.configure("gateways.second", ["url": "\"\(origin)\"", "app_id": "\"a\"", "merchant_no": "\"1\""])
            try w.configure("gateways.second", ["private_key_file": "\"app_private_key\""])
            try w.configure("gateways.second", ["public_key_files": "[\"gateway_public_key\"]"])
            try w.configure("webhook", ["url": "\"\(origin)/hook\""])
            try w.configure("log", ["level": "\"trace\"", "format": "\"\(format)\""])
            try await w.initDatabase()
            let daemon = try await w.startDaemon()
            try await w.enqueue("OK-1")
            try await w.enqueue("R-1", ["gateway": "second"])
            try await daemon.waitForErrors(containing: "refuses our credentials")
            try await w.refund("OK-1") { $0["attention"].text == "undeliverable" }

            var shown = daemon.errors
            let commands = [
                ["check", "--online"], ["status"], ["show", "OK-1"], ["show", "R-1"], ["list"], ["webhooks"],
            ]
            for command in commands {
                for form in command[0] == "check" ? [[]] : [[], ["--json"]] {
                    let finished = try await w.run(
                        Programs.refundd,
                        command + form + ["--config", w.configurationFile]
                    )
                    shown += finished.output + finished.errors
                }
            }
            #expect(shown.contains("SYS002"))
            let harmful = shown.unicodeScalars.filter(Self.isHarmful)
            #expect(harmful.isEmpty, "\(harmful.map { String($0.value, radix: 16) })")
            for line in shown.split(separator: "\n") { #expect(!line.hasPrefix("2026-01-01"), "\(line)") }
        }
    }

    @Test(.endToEnd) func whatAConfigurationSaysIsHarmlessInMessages() async throws {
        try await withWorkspace { w in
            let hostile = #"\u001b[31m\u009b2J\u202e\u2066\n2026-01-01T00:00:00.000Z notice started"#
            try w.configure("gateway", ["url": "\"https://a\(hostile)\"", "app_id": "\"\(hostile)\""])
            try w.configure("gateway", ["ca_file": "\"a\\u202eb\"", "\"\(hostile)\"": "1"])
            try w.configure("log", ["level": "\"\(hostile)\""])
            for command in ["check", "run"] {
                let refused = try await w.refundd(command)
                #expect(refused.exitCode == 78)
                #expect(refused.errors.unicodeScalars.filter(Self.isHarmful).isEmpty, "\(refused.errors)")
                for line in refused.errors.split(separator: "\n") { #expect(line.hasPrefix("refundd: ")) }
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
