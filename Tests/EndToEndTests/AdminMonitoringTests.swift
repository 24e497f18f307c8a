import Foundation
import Testing

/// The alert rules and the dashboard that `deploy` ships, with the real Prometheus.
@Suite(.enabled(if: Prometheus.isInstalled, "Debian's prometheus is not installed"))
struct AdminMonitoringTests {
    private static let deploy = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../deploy")
        .standardizedFileURL.path

    @Test(.endToEnd) func alertRulesFireOnTheirFaultsAlone() async throws {
        try await withWorkspace { w in
            let result = try await w.run(
                "promtool",
                ["test", "rules", "\(Self.deploy)/prometheus/refundd.rules.test.yml"]
            )
            #expect(result.exitCode == 0, "\(result.output)\(result.errors)")
        }
    }

    @Test(.endToEnd) func everyExpressionOfDashboardAndRulesFindsItsMetrics() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            let port = try await w.freePort()
            try w.configure("admin", ["listen": "\"127.0.0.1:\(port)\""])
            try w.configure("webhook", ["url": "\"\(receiver.url("fail/99"))\""])
            try w.configure("heartbeat", ["url": "\"\(receiver.url("monitor/1"))\""])
            try await w.startEverything()
            for order in ["OK-1", "FAIL-1", "HTTP503-1"] { try await w.enqueue(order) }
            try await w.refund("OK-1", is: "settled")

            let text = try await w.get("/metrics", port: port).body
            try w.write(text, to: "metrics.txt")
            let lint = try await w.run("sh", ["-c", "promtool check metrics <metrics.txt"])
            #expect(lint.exitCode == 0 && lint.output.isEmpty && lint.errors.isEmpty, "\(lint.output)\(lint.errors)")

            let rules = try String(contentsOfFile: "\(Self.deploy)/prometheus/refundd.rules.yml", encoding: .utf8)
            let dashboard = try String(contentsOfFile: "\(Self.deploy)/grafana/refundd.json", encoding: .utf8)
            let names = Set(
                text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] }
            )
            for line in rules.split(separator: "\n") where line.contains("expr: ") {
                for match in line.matches(of: /refundd_[a-z_]+/) { #expect(names.contains(match.output), "\(line)") }
            }

            for name in names where name.hasPrefix("refundd_") {
                #expect(dashboard.contains(name), "\(name) has no panel")
            }

            let prometheus = try await startPrometheus(in: w, scraping: port)
            let expressions = try expressions(of: dashboard)
            #expect(expressions.count > 30)
            for expression in expressions {
                try await eventually("data for \(expression)") { try await w.query(expression, prometheus) > 0 }
            }
        }
    }

    private func startPrometheus(in w: Workspace, scraping port: Int) async throws -> Int {
        let own = try await w.freePort()
        let configuration = """
            global: {scrape_interval: 300ms, evaluation_interval: 1s}
            rule_files: ["\(Self.deploy)/prometheus/refundd.rules.yml"]
            scrape_configs: [{job_name: refundd, static_configs: [{targets: ["127.0.0.1:\(port)"]}]}]
            """
        try w.write(configuration, to: "prometheus.yml")
        let options = [
            "--config.file=\(w.path("prometheus.yml"))", "--storage.tsdb.path=\(w.path("prometheus"))",
            "--web.listen-address=127.0.0.1:\(own)", "--log.level=warn",
        ]
        _ = try w.start("prometheus", options, name: "prometheus")
        return own
    }

    /// The expressions of a dashboard's panels, with the variable that Grafana fills in.
    private func expressions(of dashboard: String) throws -> [String] {
        let json = try JSON(parsing: dashboard)
        #expect(json["uid"].text == "refundd")
        let panels = json["panels"].items
        #expect(Set(panels.map(\.["id"])).count == panels.count, "each panel has its own id")
        let targets = panels.flatMap(\.["targets"].items)
        #expect((panels + targets).allSatisfy { $0["datasource"]["uid"].text == "${DS_PROMETHEUS}" })
        return targets.compactMap { $0["expr"].text?.replacing("$__rate_interval", with: "1m") }
    }
}

extension Workspace {
    /// How many series a query of Prometheus finds.
    fileprivate func query(_ expression: String, _ port: Int) async throws -> Int {
        let address = "http://127.0.0.1:\(port)/api/v1/query"
        let found = try await run(
            "curl",
            ["-sS", "--max-time", "10", "--data-urlencode", "query=\(expression)", address]
        )
        // Until it has started, Prometheus answers with a sentence.
        guard found.exitCode == 0, let answer = try? found.json else { return 0 }
        return answer["data"]["result"].items.count
    }
}

private enum Prometheus {
    static let isInstalled = ["prometheus", "promtool"].allSatisfy {
        FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)")
    }
}
