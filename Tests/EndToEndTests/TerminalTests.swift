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

    @Test(.endToEnd) func everyOutputFitsANarrowTerminal() async throws {
        try await withWorkspace { w in
            try w.configure("webhook", ["url": "\"https://127.0.0.1:1/refunds\"", "allow_hosts": "[]"])
            try await w.startSimulator()
            try await w.initDatabase()
            try await w.startDaemon()
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
                ["webhooks"], ["doctor", "--offline"], [], ["help", "webhooks"], ["help", "abandon"],
            ] {
                let shown = try await show(command, columns: 40, ["NO_COLOR": "1"], in: w)
                #expect(!shown.isEmpty, "\(command)")
                for line in shown.split(separator: "\n") where line.count > 40 {
                    let text = line.trimmingCharacters(in: .whitespaces)
                    // A command is copied as it is, and so is a word such as a path.
                    let beginnings = ["run: ", "refundd ", "USAGE: ", "See 'refundd help "]
                    let isCopied = beginnings.contains(where: text.hasPrefix) || text.contains("; run: ")
                    #expect(isCopied || !text.contains(" "), "\(command): \(line)")
                }
            }
        }
    }
}
