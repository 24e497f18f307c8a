import Foundation
import Testing

/// What commands show on a terminal.
struct TerminalTests {
    private static let escape = "\u{1B}["

    private func show(
        _ arguments: [String],
        columns: Int = 80,
        _ environment: [String: String] = [:],
        in w: Workspace
    ) async throws -> String {
        let known = ["REFUNDD_CONFIG": w.configurationFile, "TERM": "xterm"].merging(environment) { _, new in new }
        let command = [try Fixture.path("terminal.py"), "\(columns)", Programs.refundd] + arguments
        return try await w.run(Workspace.python, command, environment: known).output
    }

    @Test(.endToEnd) func coloursAreForTerminalsAndNeverWithNoColor() async throws {
        try await withWorkspace { w in
            try await w.initDatabase()
            try await w.enqueue("R-1")
            for command in [["status"], ["list"], ["show", "R-1"], ["doctor", "--offline"]] {
                let shown = try await show(command, in: w)
                #expect(shown.contains(Self.escape), "\(command): \(shown)")
                for plain in [["NO_COLOR": "1"], ["TERM": "dumb"]] {
                    let shown = try await show(command, plain, in: w)
                    #expect(!shown.isEmpty && !shown.contains(Self.escape), "\(command), \(plain): \(shown)")
                }
                let piped = try await w.run(
                    Programs.refundd,
                    command,
                    environment: ["REFUNDD_CONFIG": w.configurationFile, "TERM": "xterm", "CLICOLOR_FORCE": "1"]
                )
                #expect(!piped.output.isEmpty && !piped.output.contains(Self.escape), "\(command)")
            }
        }
    }

    @Test(.endToEnd) func terminalShowsWhatALongCommandDoes() async throws {
        try await withWorkspace { w in
            try await w.initDatabase()
            let shown = try await show(["backup", w.path("copy.db")], in: w)
            #expect(shown.contains("\u{1B}[Kcopying the database\r\u{1B}[K"), "\(shown)")
            #expect(shown.contains("is a faithful copy of the database"))
            let again = try await show(["backup", w.path("copy.db")], in: w)
            #expect(again.contains("\u{1B}[Krefundd: "), "\(again)")
            let piped = try await w.refundd("backup", w.path("copy-2.db"))
            #expect(piped.exitCode == 0 && !piped.errors.contains("copying"))
        }
    }

    @Test(.endToEnd) func terminalShowsWhichGatewayACommandWaitsFor() async throws {
        try await withWorkspace { w in
            // Connections succeed, and nobody answers.
            let program = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); "
            let end = "print('port', s.getsockname()[1], flush=True); time.sleep(600)"
            let gateway = try w.start(Workspace.python, ["-c", program + end], name: "gateway")
            let port = try await gateway.outputLine(beginning: "port ")
            try w.configure(
                "gateway",
                ["url": "\"http://127.0.0.1:\(port)\"", "ca_file": "\"\"", "timeout": "\"3s\""]
            )
            try await w.initDatabase()
            for command in [["check", "--online"], ["doctor"]] {
                let shown = try await show(command, columns: 40, in: w)
                #expect(shown.contains("\u{1B}[Kwaiting for gateway default (1s)\r\u{1B}[K"), "\(command): \(shown)")
                // Nothing of it stays.
                let last = try #require(shown.components(separatedBy: "\r\u{1B}[K").last)
                #expect(!last.contains("waiting for gateway"), "\(command): \(last)")
                let piped = try await w.run(
                    Programs.refundd,
                    command,
                    environment: ["REFUNDD_CONFIG": w.configurationFile]
                )
                #expect(!(piped.output + piped.errors).contains("waiting for gateway"), "\(command)")
            }
        }
    }

    @Test(.endToEnd) func terminalShowsThatTheDatabaseIsHeld() async throws {
        try await withWorkspace { w in
            try await w.initDatabase()
            let holder = try w.startPython("hold.py", [w.database, "IMMEDIATE"])
            _ = try await holder.outputLine(beginning: "holding")
            let shown = try await show(["enqueue", "--order", "R-1"], columns: 40, in: w)
            #expect(shown.contains("\u{1B}[Kwaiting for the database (1s)\r\u{1B}[K"), "\(shown)")
            #expect(shown.contains("(process \(holder.id)"), "\(shown)")
        }
    }

    private func expectToFit(_ shown: String, columns: Int, _ command: [String]) {
        #expect(!shown.isEmpty, "\(command)")
        for line in shown.split(separator: "\n") where line.count > columns {
            let text = line.trimmingCharacters(in: .whitespaces)
            // A command is copied as it is, a word such as a path stays whole, and so does an error.
            let beginnings = ["run: ", "refundd ", "refundd: ", "sudo refundd "]
            let isCopied = beginnings.contains(where: text.hasPrefix)
            #expect(isCopied || !text.contains(" "), "\(command): \(line)")
        }
    }

    @Test(.endToEnd) func everyOutputFitsANarrowTerminal() async throws {
        try await withWorkspace { w in
            try w.configure("webhook", ["url": "\"https://127.0.0.1:1/refunds\"", "allow_hosts": "[]"])
            try await w.startSimulator()
            try await w.initDatabase()
            try await w.startDaemon()
            try await w.enqueue("OK-1")
            try await w.refund("OK-1") { $0["attention"].text == "undeliverable" || $0["state"].text == "settled" }
            expectToFit(try await show(["status"], columns: 40, ["NO_COLOR": "1"], in: w), columns: 40, ["status"])
            try await w.enqueue("MISMATCH-1", ["expected_amount": "1200", "expected_currency": "JPY"])
            try await w.enqueue(
                "OK-2@USD12_50",
                [
                    "expected_amount": "12.50", "expected_currency": "USD",
                    "metadata": #"{"cart":"c-9","note":"in several words"}"#,
                ]
            )
            try await w.refund("OK-2@USD12_50", is: "settled")
            try await w.refund("MISMATCH-1") { $0["attention"].text == "mismatch" }
            for command in [
                ["status"], ["list"], ["list", "--attention"], ["show", "OK-2@USD12_50"], ["show", "MISMATCH-1"],
                ["webhooks"], ["doctor", "--offline"], [], ["help", "webhooks"], ["help", "abandon"], ["list", "-h"],
            ] {
                let shown = try await show(command, columns: 40, ["NO_COLOR": "1"], in: w)
                expectToFit(shown, columns: 40, command)
            }
            let help = try await show(["help", "abandon"], columns: 40, in: w)
            #expect(help.contains("\n  refundd abandon --order-prefix UNKNOWN-2025- --dry-run\n"), "\(help)")
        }
    }

    @Test(.endToEnd) func tenThousandRefundsThatNeedAttentionAreReadableWhateverTheyAreCalled() async throws {
        try await withWorkspace(isLong: true) { w in
            let port = try await w.freePort()
            try w.configure("admin", ["listen": "\"127.0.0.1:\(port)\""])
            try await w.startSimulator()
            try await w.initDatabase()
            // The guard rejects such a number; an application can remove it before refundd restores it.
            try await w.sql(
                """
                DROP TRIGGER refund_queue_insert;
                INSERT INTO refund_queue (merchant_order_no, gateway)
                VALUES (char(27) || '[31m' || char(155) || char(8238) || char(10) || printf('%.200c', 'x'), 'nowhere');
                """
            )
            try await w.startDaemon()
            try await w.sql(
                """
                WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 10000)
                INSERT INTO refund_queue (merchant_order_no, gateway) SELECT 'R-' || n, 'nowhere' FROM number
                """
            )
            try await eventually("all of them", within: .seconds(60)) {
                let flagged = "SELECT count(*) AS n FROM refund_queue WHERE attention = 'misconfigured'"
                return try await w.sql(flagged)[0]["n"].integer == 10_001
            }
            for command in [
                ["status"], ["list"], ["list", "--attention"], ["list", "--attention", "--limit", "10001"],
                ["show", "#1"], ["show", "R-7"], ["show", "\u{1B}[31m\u{202E}" + String(repeating: "x", count: 200)],
                ["doctor", "--offline"], ["webhooks"],
            ] {
                let begin = ContinuousClock.now
                let shown = try await show(command, columns: 40, ["NO_COLOR": "1"], in: w)
                #expect(ContinuousClock.now - begin < Duration.seconds(10).patiently, "\(command)")
                let output = shown.components(separatedBy: "\r\u{1B}[K").last ?? ""
                expectToFit(output, columns: 40, command)
                let harmful = output.unicodeScalars.filter {
                    $0.value != 10 && $0.properties.generalCategory == .control
                }
                #expect(harmful.isEmpty && !output.contains("\u{202E}"), "\(command)")
                if command.contains("10001") {
                    let titles = Set(output.split(separator: "\n").compactMap { $0.split(separator: " ").first })
                    #expect(titles.isSuperset(of: ["#1", "#2", "#10001"]))
                } else if command == ["list", "--attention"] {
                    #expect(output.hasSuffix("9,951 more; --limit 10001 shows them\n"), "\(output.suffix(80))")
                }
            }
            let page = try await w.get("/", port: port)
            #expect(page.status == 200 && page.body.utf8.count < 200_000, "\(page.body.utf8.count) bytes")
            #expect(page.body.contains("more refunds: <code class=\"command\">refundd list --attention</code>"))
        }
    }
}
