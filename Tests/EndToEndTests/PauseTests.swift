import Testing

/// `refundd pause` and `refundd resume`, with and without a running daemon.
struct PauseTests {
    @Test(.endToEnd) func pausedGatewayIsNotQueriedUntilItIsResumed() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startEverything()
            let pause = try await w.ada("pause", "--gateway", "default", "--reason", "maintenance")
            #expect(pause.exitCode == 0, "\(pause.errors)")
            #expect(pause.output.contains("run: refundd resume --gateway default"))
            try await w.daemon?.waitForErrors(containing: "paused; to go on, run: refundd resume --gateway default")
            try await w.enqueue("OK-1")
            try await w.sql("INSERT INTO refund_hints (merchant_order_no) VALUES ('OK-1')")

            let status = try await w.refundd("status")
            #expect(status.exitCode == 1)
            let first = status.output.split(separator: "\n").first ?? ""
            #expect(first.hasPrefix("NOT HEALTHY: gateway default is paused since "))
            #expect(first.hasSuffix("; run: refundd resume --gateway default"))
            #expect(status.output.contains("maintenance"))
            let json = try await w.refundd("status", "--json").json
            #expect(json["healthy"] == .bool(false))
            #expect(json["gateways"]["default"]["paused_by"].text == (try await w.operatorName()))
            #expect(json["gateways"]["default"]["pause_reason"].text == "maintenance")
            #expect(json["due_lag_ms"].integer == 0)
            let show = try await w.refundd("show", "OK-1")
            #expect(show.output.contains("held back: gateway default is paused since"))
            let query = try await w.refundd("query", "OK-1")
            #expect(query.exitCode == 69)
            #expect(query.errors.contains("gateway default is paused since"))
            #expect(query.errors.contains("run: refundd resume --gateway default"))
            let again = try await w.refundd("pause", "--gateway", "default")
            #expect(again.exitCode == 1)
            #expect(again.errors.contains("gateway default is already paused since"))
            #expect(try w.asked().isEmpty)

            w.daemon?.kill()
            try await w.startDaemon()
            try await w.daemon?.waitForErrors(containing: "paused; to go on, run: refundd resume --gateway default")
            #expect(try w.asked().isEmpty, "a pause lasts over restarts")
            let resume = try await w.ada("resume", "--gateway", "default")
            #expect(resume.exitCode == 0, "\(resume.errors)")
            try await w.refund("OK-1", is: "settled")
            #expect(try await w.refundd("status").exitCode == 0)
            let actions = try await w.sql("SELECT actor, action FROM refund_actions ORDER BY id")
            #expect(actions.map { $0["action"].text } == ["pause gateway default", "resume gateway default"])
            #expect(Set(actions.map { $0["actor"].text }) == [try await w.operatorName()])
            let nothing = try await w.refundd("resume", "--gateway", "default")
            #expect(nothing.exitCode == 1)
            #expect(nothing.errors.contains("gateway default is not paused; nothing is"))
        }
    }

    @Test(.endToEnd) func webhooksToAPausedEndpointWaitAndAreSentOnceItIsResumed() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startSimulator()
            try await w.initDatabase()
            // Without a daemon, by any URL of the endpoint.
            let pause = try await w.refundd("pause", "--endpoint", receiver.url("secret?token=1"))
            #expect(pause.exitCode == 0, "\(pause.errors)")
            #expect(pause.output.hasPrefix("endpoint \(receiver.origin) is paused"))
            #expect(!pause.output.contains("secret"))
            #expect(!pause.output.contains("note:"), "the configuration sends webhooks there")
            try await w.startDaemon()
            try await w.daemon?.waitForErrors(containing: "refundd resume --endpoint \(receiver.origin)")
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
            #expect(try await w.refundd("status").output.contains("endpoint \(receiver.origin) is paused"))
            let json = try await w.refundd("status", "--json").json
            #expect(json["endpoints"]["paused"].items.map { $0["endpoint"].text } == [receiver.origin])
            let show = try await w.refundd("show", "OK-1", "--json").json
            #expect(show["webhooks"].items.first?["next_attempt"]["held_by"].text == "pause")
            let webhook = try await w.webhooks("OK-1").first
            #expect(webhook?["attempts"].integer == 0)
            #expect(webhook?["state"].text == "pending")
            #expect(try receiver.requests().isEmpty)
            #expect(try await w.refundd("resume", "--endpoint", receiver.origin).exitCode == 0)
            try await eventually("the webhook") { try receiver.requests().count == 1 }
        }
    }

    @Test(.endToEnd) func whatCannotBePausedIsExplained() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.initDatabase()
            let unknown = try await w.refundd("pause", "--gateway", "defualt")
            #expect(unknown.exitCode == 64)
            #expect(unknown.errors.contains("there is no gateway \"defualt\"; the configuration has: default"))
            let unused = try await w.refundd("pause", "--endpoint", "https://elsewhere.example/x")
            #expect(unused.exitCode == 0)
            #expect(unused.output.contains("note: refundd has not sent anything to https://elsewhere.example:443"))
            let url = try await w.refundd("pause", "--endpoint", "shop.example/token")
            #expect(url.exitCode == 64)
            #expect(url.errors.contains("the URL does not start with https:// or http://"))
            #expect(!url.errors.contains("token"))
            for arguments in [
                ["pause"], ["pause", "--gateway", "default", "--endpoint", "https://a.example"], ["resume"],
            ] {
                let run = try await w.run(Programs.refundd, arguments + ["--config", w.configurationFile])
                #expect(run.exitCode == 64)
                #expect(run.errors.contains("give either --gateway or --endpoint"))
            }
            let other = try await w.refundd("resume", "--gateway", "default")
            #expect(other.errors.contains("not paused; paused: endpoint https://elsewhere.example:443"))
        }
    }
}
