import Foundation
import Testing

/// Every key of the configuration, changed in a running daemon.
struct ReloadKeyTests {
    /// A key that is changed by a reload, and how the change shows.
    struct Change: Sendable, CustomTestStringConvertible {
        /// The key with its section.
        let key: String
        /// The value after the reload, as TOML has it.
        let value: String
        /// The keys that differ from the usual before.
        var before: [String: String] = [:]
        /// Fails where the change does not show.
        let shows: @Sendable (Workspace, Receiver) async throws -> Void

        var testDescription: String { "\(key) = \(value)" }
    }

    private static let changes = gateway + polling + webhook + alerts + log

    private static let alerts = [
        Change(key: "alerts.delayed_after", value: #""1s""#) { w, receiver in
            try await w.enqueue("NEVER-1")
            try await eventually("the event") { try receiver.requests().contains { $0.type == "refund.delayed" } }
        }
    ]

    private static let gateway = [
        Change(key: "gateway.url", value: #""https://127.0.0.1:1""#) { w, _ in
            try await w.enqueue("OK-1")
            try await w.refund("OK-1") { $0["last_error"] != .null }
        },
        Change(key: "gateway.private_key_file", value: #""other_private_key.pem""#) { w, _ in
            try await w.enqueue("OK-1")
            try await #require(w.daemon).waitForErrors(containing: "refuses our credentials")
        },
        Change(key: "gateway.public_key_files", value: #"["other_public_key.pem"]"#) { w, _ in
            try await w.enqueue("OK-1")
            try await w.refund("OK-1") { $0["last_error"].text?.contains("signed by none") == true }
        },
        Change(key: "gateway.ca_file", value: #""""#) { w, _ in
            try await w.enqueue("OK-1")
            try await w.refund("OK-1") { $0["last_error"].text?.contains("certificate") == true }
        },
        Change(key: "gateway.timeout", value: #""300ms""#) { w, _ in
            try await w.enqueue("SLOW-1")
            try await w.refund("SLOW-1", within: .seconds(8)) { $0["last_error"] != .null }
        },
        Change(key: "gateway.max_in_flight", value: "1") { w, _ in
            try await w.enqueue(["SLOW-1", "SLOW-2", "SLOW-3"])
            try await eventually("three queries") { try w.asked().count >= 3 }
            let times = try w.asked().map(\.at)
            for (early, late) in zip(times, times.dropFirst()) { #expect(late - early >= 900) }
        },
        Change(key: "gateway.max_queries_per_second", value: "1.0") { w, _ in
            try await w.enqueue(["OK-1", "OK-2", "OK-3"])
            try await eventually("three queries") { try w.asked().count >= 3 }
            let times = try w.asked().map(\.at)
            #expect(times[2] - times[0] >= 1_500)
        },
    ]

    private static let steady = [
        "polling.initial_interval": "\"1s\"", "polling.multiplier": "1.0", "polling.max_interval": "\"30m\"",
        "polling.jitter": "0.0",
    ]

    /// A change after which a refund's n-th query is followed by a certain wait.
    private static func wait(
        _ key: String,
        _ value: String,
        before: [String: String] = [:],
        afterQuery number: Int64,
        is milliseconds: Int64
    ) -> Change {
        Change(key: "polling.\(key)", value: value, before: steady.merging(before) { _, new in new }) { w, _ in
            try await w.enqueue("NEVER-1")
            let row = try await w.refund("NEVER-1") { $0["attempts"].integer == number && $0["leased_until"] == .null }
            let wait = (row["next_query_at"].integer ?? 0) - (row["last_query_at"].integer ?? 0)
            #expect((milliseconds..<milliseconds + 2_000).contains(wait), "\(wait) ms")
        }
    }

    private static let polling = [
        wait("initial_interval", "\"9s\"", afterQuery: 1, is: 9_000),
        wait("multiplier", "20.0", afterQuery: 2, is: 20_000),
        wait("max_interval", "\"9s\"", before: ["polling.multiplier": "20.0"], afterQuery: 2, is: 9_000),
        wait("slow_after", "\"1ms\"", before: ["polling.slow_interval": "\"9s\""], afterQuery: 1, is: 9_000),
        wait("slow_interval", "\"9s\"", before: ["polling.slow_after": "\"1ms\""], afterQuery: 1, is: 9_000),
        Change(
            key: "polling.jitter",
            value: "0.9",
            before: steady.merging(["polling.initial_interval": "\"5m\""]) { _, new in new }
        ) { w, _ in
            try await w.enqueue((1...10).map { "NEVER-\($0)" })
            let waits = try await eventually("ten queries") {
                let rows = try await w.sql(
                    "SELECT next_query_at - last_query_at AS wait FROM refund_queue WHERE attempts = 1"
                )
                return rows.count == 10 ? rows.compactMap { $0["wait"].integer } : nil
            }
            #expect((waits.max() ?? 0) - (waits.min() ?? 0) > 30_000, "\(waits)")
        },
        Change(key: "polling.attention_after", value: "\"1ms\"") { w, _ in
            try await w.enqueue("NEVER-1")
            try await w.refund("NEVER-1") { $0["attention"].text == "overdue" }
        },
    ]

    private static let webhook = [
        Change(key: "webhook.url", value: "\"RECEIVER/take/other\"") { w, receiver in
            try await w.enqueue("OK-1")
            try await eventually("the webhook") { try receiver.requests(to: "take/other").count == 1 }
        },
        Change(key: "webhook.secret_files", value: #"["other_secret"]"#) { w, receiver in
            try await w.enqueue("OK-1")
            let webhook = try await eventually("the webhook") { try receiver.requests().first }
            #expect(webhook.verified == [false, true])
        },
        Change(key: "webhook.events", value: #"["refund.processing"]"#) { w, receiver in
            try await w.enqueue("OK3-1")
            let webhook = try await eventually("the webhook") { try receiver.requests().first }
            #expect(webhook.type == "refund.processing")
        },
        Change(key: "webhook.timeout", value: "\"200ms\"", before: ["webhook.url": "\"RECEIVER/hang\""]) { w, _ in
            try await w.enqueue("OK-1")
            try await eventually("an attempt that ended", within: .seconds(10)) {
                try await w.webhooks("OK-1").first?["last_error"] ?? .null != .null
            }
        },
        Change(key: "webhook.max_in_flight", value: "1") { w, receiver in
            for number in 1...3 {
                try await w.enqueue("OK-\(number)", ["callback_url": receiver.url("slow/500/\(number)")])
            }
            try await eventually("three webhooks") { try receiver.requests().count == 3 }
            let times = try receiver.requests().map(\.at)
            for (early, late) in zip(times, times.dropFirst()) { #expect(late - early >= 450) }
        },
        Change(key: "webhook.retry_schedule", value: "[]", before: ["webhook.url": "\"RECEIVER/status/500\""]) { w, _ in
            try await w.enqueue("OK-1")
            try await eventually("a dead webhook") {
                let webhook = try await w.webhooks("OK-1").first
                return webhook?["state"].text == "dead" && webhook?["attempts"].integer == 1
            }
        },
        Change(key: "webhook.allow_hosts", value: "[]") { w, _ in
            try await w.enqueue("OK-1")
            try await eventually("a refused address") {
                try await w.webhooks("OK-1").first?["last_error"].text?.contains("allow_hosts") == true
            }
        },
    ]

    private static let log = [
        Change(key: "log.level", value: "\"debug\"") { w, _ in
            try await w.enqueue("HTTP503-1")
            try await #require(w.daemon).waitForErrors(containing: "query without a verdict")
        },
        Change(key: "log.format", value: "\"json\"") { w, _ in
            try await w.enqueue("OK-1")
            let daemon = try #require(w.daemon)
            try await daemon.waitForErrors(containing: "\"message\":\"refund changed\"")
            let lines = daemon.errors.split(separator: "\n")
            let first = try #require(lines.firstIndex { $0.hasPrefix("{") })
            #expect(lines[first...].allSatisfy { $0.hasPrefix("{") })
        },
    ]

    @Test(.endToEnd, arguments: changes) func keyTakesEffectAtAReload(change: Change) async throws {
        try await withWorkspace { w in
            try w.writeSecret(to: "other_secret")
            try await w.make("other_private_key.pem", "openssl genrsa -out {} 2048")
            try await w.make("other_public_key.pem", "openssl rsa -in other_private_key.pem -pubout -out {}")
            let receiver = try await w.startReceiver(secrets: ["webhook_secret", "other_secret"])
            func configure(_ key: String, _ value: String) throws {
                let name = key.split(separator: ".").map(String.init)
                try w.configure(name[0], [name[1]: value.replacing("RECEIVER", with: receiver.origin)])
            }
            try configure("webhook.url", "\"RECEIVER/take\"")
            for (key, value) in change.before { try configure(key, value) }
            try await w.startEverything(
                scenarios: "[prefixes.\"SLOW-\"]\nsettles_after_queries = 1\nlatency = \"1s\""
            )
            let daemon = try #require(w.daemon)
            try configure(change.key, change.value)
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "configuration reloaded")
            try await change.shows(w, receiver)
        }
    }

    /// Keys whose change has a test elsewhere.
    private static let elsewhere: Set = [
        "webhook.ca_file",  // WebhookTests
        "admin.listen",  // below
        "admin.hosts",  // AdminPageTests
        "heartbeat.url", "heartbeat.failure_url", "heartbeat.interval",  // HeartbeatTests
        "retention.webhooks", "retention.ledger",  // RetentionTests
        "database.path", "database.url", "database.password_file", "database.schema",  // refused: ConfigurationTests
        "gateway.protocol", "gateway.app_id", "gateway.merchant_no",  // refused: ReloadTests
    ]

    /// A key that is added must be taken over by a reload, or refused with a message, but never ignored.
    @Test func everyKeyOfTheExampleIsTested() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
        let example = try String(contentsOf: root.appendingPathComponent("refundd.conf.example"), encoding: .utf8)
        var keys: Set<String> = []
        var section = ""
        for line in example.split(separator: "\n") {
            if let header = line.wholeMatch(of: /\[([a-z]+)\]/) {
                section = String(header.1)
            } else if let key = line.prefixMatch(of: #/#?([a-z_]+) = /#) {
                keys.insert("\(section).\(key.1)")
            }
        }
        #expect(keys.count > 25)
        #expect(keys == Self.elsewhere.union(Self.changes.map(\.key)))
    }

    @Test(.endToEnd) func adminAddressMovesAtAReload() async throws {
        try await withWorkspace { w in
            let ports = [try await w.freePort(), try await w.freePort()]
            func move(_ address: String) async throws {
                try await w.reload("admin", ["listen": "\"\(address)\""])
            }
            try await w.startEverything()
            for port in ports {
                try await move("127.0.0.1:\(port)")
                #expect(try await w.get("/readyz", port: port).status == 200)
            }
            try await eventually("the old address is closed") { try await !w.isServed(ports[0]) }
            try await move("")
            try await eventually("no address is served") { try await !w.isServed(ports[1]) }
        }
    }

    @Test(.endToEnd) func addressThatCannotBeListenedOnChangesNothing() async throws {
        try await withWorkspace { w in
            let port = try await w.freePort()
            try w.configure("admin", ["listen": "\"127.0.0.1:\(port)\""])
            let receiver = try await w.startReceiver()
            try await w.startEverything()
            let daemon = try #require(w.daemon)
            try w.configure("admin", ["listen": "\"\(receiver.host)\""])
            try w.configure("log", ["level": "\"debug\""])
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "\(w.configurationFile): cannot listen on \(receiver.host)")
            #expect(try await w.get("/readyz", port: port).status == 200)
            try await w.enqueue("HTTP503-1")
            try await w.refund("HTTP503-1") { ($0["attempts"].integer ?? 0) > 1 }
            #expect(!daemon.errors.contains("query without a verdict"), "the level is as it was")
        }
    }
}

extension Workspace {
    fileprivate func isServed(_ port: Int) async throws -> Bool {
        try await run("curl", ["-sS", "--max-time", "5", "http://127.0.0.1:\(port)/healthz"]).exitCode == 0
    }
}
