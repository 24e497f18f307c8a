import Testing

/// `refundd list`, `show` and `status`: as text, and as JSON with exactly the names of the contract.
struct ReadingCommandTests {
    private static let refundNames: Set = [
        "id", "merchant_order_no", "trans_no", "merchant_no", "gateway", "expected_amount", "expected_currency",
        "callback_url", "metadata", "state", "attention", "trans_status", "trans_amount", "trans_currency",
        "trans_end_at", "failure_code", "failure_message", "attempts", "last_query_at", "last_error", "created_at",
        "updated_at", "next_query_at", "gateway_trans_no", "orig_trans_no", "pay_channel_trans_no",
    ]
    private static let transitionNames: Set = [
        "id", "refund_id", "sequence", "at", "from_state", "to_state", "attention", "reason", "trans_status", "code",
        "psn", "response", "actor",
    ]
    private static let webhookNames: Set = [
        "id", "refund_id", "sequence", "type", "url", "body", "state", "attempts", "next_attempt_at", "last_status",
        "last_error", "created_at", "delivered_at", "pruned_at", "attempt_log", "next_attempt",
    ]

    /// A daemon that has served a refund of each kind.
    private func withServedRefunds(_ body: (Workspace) async throws -> Void) async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startEverything()
            try await w.enqueue("OK3-1", ["metadata": #"{"cart":"c-9"}"#])
            try await w.enqueue("FAIL-1")
            try await w.enqueue("MISMATCH-1", ["expected_amount": "1200", "expected_currency": "JPY"])
            try await w.enqueue("UNKNOWN-1")
            try await w.refund("OK3-1", is: "settled")
            try await w.refund("FAIL-1", is: "failed")
            try await w.refund("MISMATCH-1") { $0["attention"].text == "mismatch" }
            try await w.refund("UNKNOWN-1") { $0["last_error"] != .null }
            for order in ["OK3-1", "FAIL-1", "MISMATCH-1"] {
                try await eventually("\(order)'s webhook") {
                    try await w.webhooks(order).map { $0["state"].text } == ["delivered"]
                }
            }
            try await body(w)
        }
    }

    @Test(.endToEnd) func jsonHasTheColumnsNames() async throws {
        try await withServedRefunds { w in
            let list = try await w.refundd("list", "--json").json
            #expect(list.names == ["refunds"])
            #expect(list["refunds"].items.count == 4)
            for refund in list["refunds"].items { #expect(refund.names == Self.refundNames.union(["next_query"])) }

            let show = try await w.refundd("show", "OK3-1", "--json").json
            #expect(
                show.names == [
                    "refund", "transitions", "webhooks", "actions", "next_query", "configured_merchant_no",
                    "attention_since", "advice",
                    "commands",
                ]
            )
            #expect(show["refund"].names == Self.refundNames)
            #expect(show["refund"]["metadata"].text == #"{"cart":"c-9"}"#)
            #expect(show["refund"]["attempts"].integer == 3)
            #expect(show["transitions"].items.map(\.names) == [Self.transitionNames, Self.transitionNames])
            #expect(show["transitions"].items.map { $0["to_state"].text } == ["processing", "settled"])
            #expect(show["webhooks"].items.map(\.names) == [Self.webhookNames])
            #expect(show["webhooks"].items.map { $0["type"].text } == ["refund.settled"])
            // The row as it is in the database.
            let row = try await w.refund("OK3-1")
            for name in Self.refundNames { #expect(show["refund"][name] == row[name], "\(name)") }
        }
    }

    @Test(.endToEnd) func statusCountsEverything() async throws {
        try await withServedRefunds { w in
            let status = try await w.refundd("status", "--json").json
            #expect(
                status.names == [
                    "healthy", "daemon", "database", "findings", "states", "attention", "oldest_pending_ms",
                    "due_lag_ms",
                    "daemons", "taken_over", "webhooks", "endpoints", "wal_bytes", "file_bytes", "free_bytes",
                    "gateways",
                ]
            )
            #expect(status["healthy"] == .bool(false), "a refund needs attention")
            #expect(status["daemon"]["running"] == .bool(true))
            #expect(status["daemon"]["pid"].integer == (w.daemon?.id).map(Int64.init))
            #expect(status["findings"].items.first?["command"].text == "refundd list --attention")
            #expect(
                status["states"]
                    == .object([
                        "pending": .integer(1), "processing": .integer(1), "settled": .integer(1),
                        "failed": .integer(1), "abandoned": .integer(0),
                    ])
            )
            #expect(status["attention"]["mismatch"].integer == 1)
            #expect((status["oldest_pending_ms"].integer ?? -1) >= 0)
            #expect((status["due_lag_ms"].integer ?? -1) >= 0)
            #expect(status["webhooks"]["delivered"].integer == 3)
            #expect(status["webhooks"]["pending"].integer == 0)
            #expect(status["webhooks"]["dead"].integer == 0)
            #expect(status["gateways"].names == ["default"])
            #expect(status["gateways"]["default"]["verified"] == .bool(true))
            #expect(status["gateways"]["default"]["last_verified_at"].integer ?? 0 > 0)

            let text = try await w.refundd("status")
            #expect(text.exitCode == 1)
            let first = text.output.prefix { $0 != "\n" }
            #expect(first == "NOT HEALTHY: 1 refund needs attention: 1 mismatch; run: refundd list --attention")
            for word in ["pending", "settled", "failed", "mismatch", "default", "last verified answer"] {
                #expect(text.output.contains(word), "\(word)")
            }
        }
    }

    @Test(.endToEnd) func listFiltersAndLimits() async throws {
        try await withServedRefunds { w in
            func orders(_ arguments: [String]) async throws -> [String?] {
                let list = try await w.run(
                    Programs.refundd,
                    ["list", "--json", "--config", w.configurationFile] + arguments
                )
                return try list.json["refunds"].items.map { $0["merchant_order_no"].text }
            }
            #expect(try await orders(["--state", "settled"]) == ["OK3-1"])
            #expect(try await orders(["--state", "abandoned"]) == [])
            #expect(try await orders(["--attention"]) == ["MISMATCH-1"])
            #expect(try await orders(["--limit", "2"]).count == 2)
            #expect(try await w.refundd("list", "--state", "lost").exitCode == 64)
            #expect(try await w.refundd("list", "--limit", "0").exitCode == 64)

            let text = try await w.refundd("list")
            #expect(text.exitCode == 0)
            let lines = text.output.split(separator: "\n")
            #expect(lines.count == 6, "a line each, two for the row that needs attention")
            #expect(
                lines.contains { $0.contains("MISMATCH-1") && $0.contains("mismatch") && $0.contains("processing") }
            )
        }
    }

    @Test(.endToEnd) func showPrintsLedgerWebhooksAndFailure() async throws {
        try await withServedRefunds { w in
            let show = try await w.refundd("show", "FAIL-1")
            #expect(show.exitCode == 0)
            for word in ["FAIL-1", "failed", "TS-D2012", "insufficient funds", "refund.failed", "delivered"] {
                #expect(show.output.contains(word), "\(word)")
            }
        }
    }

    @Test(.endToEnd) func statusShowsAGatewayThatHasNotVerifiedAnyAnswer() async throws {
        try await withWorkspace(on: .every) { w in
            func gateway() async throws -> JSON {
                try await w.refundd("status", "--json").json["gateways"]["default"]
            }
            try await w.initDatabase()
            #expect(try await gateway()["verified"] == .null, "it was never queried")
            #expect(try await gateway()["last_verified_at"] == .null)
            #expect(try await w.refundd("status").output.contains("not queried yet"))

            try await w.startSimulator()
            try await w.startDaemon()
            try await w.enqueue("BADSIGN-1")
            try await w.refund("BADSIGN-1") { $0["last_error"] != .null }
            try await eventually("the failure") { try await gateway()["verified"] == .bool(false) }
            #expect(try await gateway()["last_verified_at"] == .null)
            // After three of them in a row, it is more than a failure.
            let status = try await w.refundd("status").output
            #expect(status.contains("FAILING") || status.contains("WITHOUT A VERIFIED ANSWER"))

            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
            try await eventually("the verified answer") { try await gateway()["last_verified_at"].integer != nil }
        }
    }

    @Test(.endToEnd) func statusReportsHowFarBehindTheQueueIs() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.initDatabase()
            let empty = try await w.refundd("status", "--json").json
            #expect(empty["oldest_pending_ms"] == .null)
            #expect(empty["due_lag_ms"].integer == 0)
            // Nobody serves it.
            try await w.enqueue("OK-1")
            try await eventually("a lag") {
                let status = try await w.refundd("status", "--json").json
                let lag = status["due_lag_ms"].integer ?? 0
                return lag >= 300 && abs((status["oldest_pending_ms"].integer ?? 0) - lag) < 1_000
            }
        }
    }

    @Test(.endToEnd) func statusSaysWhetherTheDaemonRunsAndIsReady() async throws {
        try await withWorkspace(on: .every) { w in
            let port = try await w.freePort()
            try w.configure("admin", ["listen": "\"127.0.0.1:\(port)\""])
            try await w.startEverything()
            let healthy = try await w.refundd("status", environment: ["COLUMNS": "400"])
            #expect(healthy.exitCode == 0, "\(healthy.output)")
            #expect(healthy.output.hasPrefix("healthy: no refund waits\n"))
            let daemon = try #require(w.daemon)
            #expect(healthy.output.contains("process \(daemon.id), version 0.1.0"))
            #expect(healthy.output.contains("ready") && !healthy.output.contains("NOT READY"))
            let json = try await w.refundd("status", "--json").json
            #expect(json["healthy"] == .bool(true))
            for name in ["pid", "since"] { #expect(json["daemon"][name].integer ?? 0 > 0) }
            #expect(json["daemon"]["ready"] == .bool(true))

            try await w.enqueue("NEVER-1")
            try await w.refund("NEVER-1") { $0["last_query_at"] != .null }
            daemon.kill()
            let dead = try await w.refundd("status")
            #expect(dead.exitCode == 1)
            #expect(dead.output.hasPrefix("NOT HEALTHY: refundd is not running"))
            #expect(dead.output.prefix { $0 != "\n" }.contains("; run: "))
            #expect(try await w.refundd("status", "--json").json["daemon"]["running"] == .bool(false))
            // Nothing that is held back is announced.
            for command in [["list"], ["show", "NEVER-1"]] {
                let shown = try await w.run(Programs.refundd, command + ["--config", w.configurationFile])
                #expect(shown.output.contains("refundd is not running"), "\(shown.output)")
            }
            let step = try await w.refundd("show", "NEVER-1", "--json").json["next_query"]
            #expect(step["step"].text == "held" && step["held_by"].text == "daemon")
        }
    }

    @Test(.endToEnd) func readingNeedsOnlyTheDatabaseSection() async throws {
        try await withServedRefunds { w in
            try w.configure("gateway", ["app_id": "7", "url": "\"nonsense\"", "public_key_files": "[]"])
            try w.configure("polling", ["jitterr": "1"])
            for command in [
                ["list"], ["list", "--json"], ["show", "OK3-1"], ["show", "OK3-1", "--json"], ["webhooks"],
                ["webhooks", "--json"], ["events"],
            ] {
                let shown = try await w.run(Programs.refundd, command + ["--config", w.configurationFile])
                #expect(shown.exitCode == 0, "\(command): \(shown.errors)")
                #expect(!shown.output.isEmpty && shown.errors.isEmpty)
            }
            let status = try await w.refundd("status")
            #expect(status.exitCode == 1, "a refund needs attention")
            #expect(status.output.contains("run: refundd check"))
            #expect(try await w.refundd("query", "OK3-1").exitCode == 78)
            try w.configure("database", ["path": "7"])
            for command in ["list", "status", "webhooks"] { #expect(try await w.refundd(command).exitCode == 78) }
        }
    }

    @Test(.endToEnd) func attentionIsListedWithReasonAgeAndCommand() async throws {
        try await withServedRefunds { w in
            let list = try await w.refundd("list", "--attention")
            #expect(list.exitCode == 0)
            for word in ["MISMATCH-1", "mismatch", "expected 1200 JPY", "run: refundd resolve MISMATCH-1 --as settled"]
            {
                #expect(list.output.contains(word), "\(word): \(list.output)")
            }
            let json = try await w.refundd("list", "--attention", "--json").json["refunds"].items
            #expect(json.count == 1)
            #expect(json.first?["attention_since"].integer ?? 0 > 0)
            #expect(json.first?["commands"].items.isEmpty == false)
            let show = try await w.refundd("show", "MISMATCH-1").output
            #expect(show.contains("NEEDS ATTENTION: mismatch, for "))
            #expect(show.contains("run: refundd resolve MISMATCH-1 --as settled"))
        }
    }

    @Test(.endToEnd) func showHasEveryNumberOfTheGateway() async throws {
        try await withServedRefunds { w in
            let show = try await w.refundd("show", "OK3-1")
            let merchantNo = try await w.refundd("show", "OK3-1", "--json").json["configured_merchant_no"].text
            #expect(show.output.contains("\(try #require(merchantNo)) (the configuration's)"))
            let json = try await w.refundd("show", "OK3-1", "--json").json["refund"]
            for name in ["gateway_trans_no", "orig_trans_no", "pay_channel_trans_no"] {
                let number = try #require(json[name].text)
                #expect(show.output.contains(number), "\(name)")
            }
        }
    }
}
