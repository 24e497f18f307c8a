import Foundation
import Testing

/// The admin address.
struct AdminTests {
    @Test(.endToEnd) func healthReadinessAndMetricsAreServed() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            let port = try await w.freePort()
            try w.configure("admin", ["listen": "\"127.0.0.1:\(port)\""])
            try w.configure("webhook", ["url": "\"\(receiver.url("fail/1"))\""])
            try await w.startEverything()
            for order in ["OK-1", "OK3-2", "FAIL-1", "HTTP503-1"] { try await w.enqueue(order) }
            try await w.enqueue("MISMATCH-1", ["expected_amount": "1200", "expected_currency": "JPY"])
            for order in ["OK-1", "OK3-2", "FAIL-1", "MISMATCH-1"] {
                try await eventually("\(order)'s webhook") {
                    try await w.webhooks(order).map { $0["state"].text } == ["delivered"]
                }
            }
            try await w.refund("HTTP503-1") { $0["last_error"] != .null }

            let address = "0100007F:" + String(format: "%04X", port)
            #expect(try await listeners(in: w) == [address], "on loopback and nowhere else")
            let health = try await w.get("/healthz", port: port)
            #expect(health.status == 200)
            let ready = try await w.get("/readyz", port: port)
            #expect(ready.status == 200)
            #expect(ready.body == "{\"ready\":true,\"reasons\":[]}\n")
            let evil = ["-sS", "-H", "Host: evil.example", "-o", "/dev/null", "-w", "%{http_code}"]
            #expect(try await w.run("curl", evil + ["http://127.0.0.1:\(port)/metrics"]).output == "421")
            #expect(try await w.get("/", port: port).status == 200)
            #expect(try await w.get("/metrics/x", port: port).status == 404)

            let metrics = try await w.get("/metrics", port: port)
            #expect(metrics.status == 200)
            #expect(metrics.type.hasPrefix("text/plain"))
            let figures = Figures(metrics.body)
            #expect(figures.value("refundd_refunds", ["state=\"settled\""]) == 2)
            #expect(figures.value("refundd_refunds", ["state=\"failed\""]) == 1)
            #expect(figures.value("refundd_refunds", ["state=\"pending\""]) == 1)
            #expect(figures.value("refundd_refunds", ["state=\"processing\""]) == 1)
            #expect(figures.value("refundd_refunds", ["state=\"abandoned\""]) == 0)
            #expect(figures.value("refundd_refunds_attention", ["attention=\"mismatch\""]) == 1)
            #expect(figures.value("refundd_webhooks", ["state=\"delivered\""]) == 4)
            #expect((figures.value("refundd_oldest_pending_seconds", []) ?? 0) > 0)
            #expect(figures.value("refundd_webhook_attempts_total", ["outcome=\"delivered\""]) == 4)
            #expect((figures.value("refundd_webhook_attempts_total", ["outcome=\"failed\""]) ?? 0) >= 1)
            #expect(figures.value("refundd_config_last_reload_successful", []) == 1)
            let progress = figures.value("refundd_scheduler_progress_timestamp_seconds", []) ?? 0
            #expect(abs(progress - Date().timeIntervalSince1970) < 300)
            // Every query has an outcome: OK, three times OK3, FAIL, MISMATCH, and HTTP503 again and again.
            #expect((figures.sum("refundd_queries_total", ["gateway=\"default\""]) ?? 0) >= 7)
            #expect(figures.labels("refundd_queries_total").contains { $0.contains("outcome=") })
            for name in figures.names { #expect(metrics.body.contains("# TYPE \(name) "), "\(name)") }
        }
    }

    @Test(.endToEnd) func nothingListensWithoutAnAddress() async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            #expect(try await listeners(in: w).isEmpty)
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
        }
    }

    /// The addresses that the daemon listens on, as `/proc/net/tcp` writes them.
    private func listeners(in w: Workspace) async throws -> [String] {
        let daemon = try #require(w.daemon)
        let found = try await w.runPython("listeners.py", ["\(daemon.id)"])
        try #require(found.exitCode == 0, "\(found.errors)")
        return found.output.split(separator: "\n").map(String.init)
    }
}

/// The samples of a Prometheus text.
private struct Figures {
    private let samples: [(name: String, labels: String, value: Double)]

    init(_ text: String) {
        samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
            let parts = line.split(separator: " ")
            guard parts.count == 2, let value = Double(parts[1]) else { return nil }
            let name = parts[0].prefix { $0 != "{" }
            return (String(name), String(parts[0].dropFirst(name.count)), value)
        }
    }

    /// The families, without what histograms append to their name.
    var names: Set<String> {
        Set(
            samples.map { sample in
                for end in ["_bucket", "_sum", "_count"]
                where sample.name.hasSuffix(end) && sample.name.contains("_seconds") {
                    return String(sample.name.dropLast(end.count))
                }
                return sample.name
            }
        )
    }

    func labels(_ name: String) -> [String] {
        samples.filter { $0.name == name }.map(\.labels)
    }

    func value(_ name: String, _ labels: [String]) -> Double? {
        samples.first { sample in sample.name == name && labels.allSatisfy { sample.labels.contains($0) } }?.value
    }

    func sum(_ name: String, _ labels: [String]) -> Double? {
        samples.filter { sample in sample.name == name && labels.allSatisfy { sample.labels.contains($0) } }
            .map(\.value).reduce(0, +)
    }
}
