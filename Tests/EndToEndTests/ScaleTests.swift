import Foundation
import Glibc
import Testing

/// Commands over more rows than fit a screen.
struct ScaleTests {
    @Test(.endToEnd) func listsSayHowManyMoreThereAreAndFitTheTerminal() async throws {
        try await withWorkspace { w in
            try await w.initDatabase()
            try await w.enqueue((0..<1_234).map { "ORDER-2026-11-22-\($0)" })
            let list = try await w.refundd("list")
            #expect(list.output.hasSuffix("1,184 more; --limit 1234 shows them\n"), "\(list.output.suffix(200))")
            for columns in ["20", "40", "80"] {
                let narrow = try await w.refundd("list", environment: ["COLUMNS": columns])
                let width = try #require(Int(columns))
                for line in narrow.output.split(separator: "\n") { #expect(line.count <= max(width, 29), "\(line)") }
                #expect(narrow.output.contains("ORDER-2026-11-22-1233"))
            }
            #expect(!list.output.contains("\u{1B}"), "a pipe shows no colours")
            let all = try await w.refundd("list", "--limit", "5000")
            #expect(!all.output.contains(" more;"))
        }
    }

    @Test(.endToEnd) func refundsEnqueuedByMistakeAreAbandonedAtOnce() async throws {
        try await withWorkspace { w in
            try await w.initDatabase()
            try await w.enqueue("KEEP-1", ["gateway": "other"])
            try await w.enqueue((0..<1_000).map { "R-\($0)" })
            let bulk = ["abandon", "--state", "pending", "--gateway", "default", "--since", "1h"]
            let preview = try await w.run(
                Programs.refundd,
                bulk + ["--dry-run", "--config", w.configurationFile]
            )
            #expect(preview.exitCode == 0, "\(preview.errors)")
            #expect(preview.output.contains("would abandon 1,000 refunds; nothing has changed"))
            #expect(try await w.refund("R-1")["state"].text == "pending")
            let unexplained = try await w.run(Programs.refundd, bulk + ["--config", w.configurationFile])
            #expect(unexplained.exitCode == 64, "only --dry-run needs no reason")
            let reasoned = bulk + ["--reason", "a mistake"]
            let done = try await w.run(Programs.refundd, reasoned + ["--config", w.configurationFile])
            #expect(done.output == "abandoned 1,000 refunds\n", "\(done.errors)")
            #expect(try await w.refund("R-999")["state"].text == "abandoned")
            #expect(try await w.refund("KEEP-1")["state"].text == "pending")
            let list = try await w.refundd("list", "--order-prefix", "R-99", "--json")
            #expect(try list.json["refunds"].items.count == 11, "R-99 and R-990 to R-999")
            #expect(try await w.refundd("verify").exitCode == 0)
        }
    }

    @Test(.endToEnd) func eventsAreLinesOfJSONAndCanBeFollowed() async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
            let events = try JSON.lines(of: try await w.refundd("events").output)
            #expect(events.map { $0["type"].text } == ["refund.settled"])
            #expect(
                events.first?.names == ["position", "at", "type", "refund_id", "merchant_order_no", "state", "body"]
            )
            #expect(try JSON(parsing: events.first?["body"].text ?? "")["type"].text == "refund.settled")
            let document = try await w.refundd("events", "--json").json
            #expect(document["events"].items.map(\.["type"].text) == ["refund.settled"])
            let position = try #require(events.last?["position"].integer)
            let none = try await w.refundd("events", "--json", "--since", "\(position)").json
            #expect(none["events"].items.isEmpty && none.names == ["events"])
            #expect(try await w.refundd("events", "--since", "\(position)").output.isEmpty)
            let follower = try w.begin("events", "--follow", "--since", "\(position)")
            try await w.enqueue("FAIL-1")
            let line = try await follower.outputLine(beginning: "{")
            #expect(line.contains("refund.failed") && line.contains("FAIL-1"))
            follower.signal(SIGINT)
            _ = try await follower.exitCode()
        }
    }

    @Test(.endToEnd) func statusIsWatchedUntilInterrupted() async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            let watch = try w.begin("status", "--watch")
            try await eventually("a second report") {
                watch.output.split(separator: "\n").count { $0.hasPrefix("healthy: ") } >= 2
            }
            watch.signal(SIGINT)
            _ = try await watch.exitCode()
        }
    }

    @Test(.endToEnd) func evidenceIsVerifiedByOpenSSLAlone() async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            for order in ["OK3-1", "FAIL-1"] { try await w.enqueue(order) }
            try await w.refund("OK3-1", is: "settled")
            try await w.refund("FAIL-1", is: "failed")
            let evidence = try await w.refundd("evidence", "OK3-1", "--to", w.path("evidence"))
            #expect(evidence.exitCode == 0, "\(evidence.errors)")
            let verified = try await w.run("/bin/sh", [w.path("evidence/verify.sh")])
            #expect(verified.exitCode == 0)
            #expect(verified.output.split(separator: "\n").count { $0.hasSuffix("Verified OK") } == 2)
            let answer = try String(contentsOfFile: w.path("evidence/answer-2.signed.txt"), encoding: .utf8)
            try w.write(answer.replacing("OK3-1", with: "OK3-2"), to: "evidence/answer-2.signed.txt")
            #expect(try await w.run("/bin/sh", [w.path("evidence/verify.sh")]).exitCode == 1)
            // A folder is never overwritten, and a refund without an answer has no evidence.
            #expect(try await w.refundd("evidence", "FAIL-1", "--to", w.path("evidence")).exitCode == 1)
            try await w.enqueue("UNKNOWN-1")
            #expect(try await w.refundd("evidence", "UNKNOWN-1", "--to", w.path("none")).exitCode == 1)
            #expect(!FileManager.default.fileExists(atPath: w.path("none")))
        }
    }
}
