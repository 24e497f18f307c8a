import RefundConfiguration
import RefundCore
import Testing

struct DefaultsTests {
    @Test func gatewayAloneIsEnough() throws {
        let configuration = try Sample.load(Sample.text())
        #expect(configuration.database.path == "/var/lib/refundd/refundd.db")
        #expect(configuration.database.url == nil && configuration.database.passwordFile == nil)
        #expect(configuration.database.schema == "refundd")
        let gateway = try #require(configuration.gateways["default"])
        #expect(configuration.gateways.count == 1)
        #expect(gateway.url == "https://open.n-age.co.jp")
        #expect(gateway.appID == "wz715fc0d10ee9d156")
        #expect(gateway.merchantNo == nil)
        #expect(gateway.caFile == nil)
        #expect(gateway.timeout == .seconds(10))
        #expect(gateway.limits.maxInFlight == 16)
        #expect(gateway.limits.maxQueriesPerSecond == 20)
        let polling = configuration.polling
        #expect(polling.initialInterval == .seconds(5))
        #expect(polling.multiplier == 2)
        #expect(polling.maxInterval == .seconds(1_800))
        #expect(polling.slowAfter == .seconds(86_400))
        #expect(polling.slowInterval == .seconds(3_600))
        #expect(polling.jitter == 0.1)
        #expect(polling.attentionAfter == .seconds(259_200))
        let webhook = configuration.webhook
        #expect(
            webhook.url == nil && webhook.secretFiles.isEmpty && webhook.allowHosts.isEmpty && webhook.caFile == nil
        )
        #expect(webhook.events == [.settled, .failed, .abandoned, .needsAttention, .delayed, .gatewayNeedsAttention])
        #expect(webhook.timeout == .seconds(15))
        #expect(webhook.maxInFlight == 16)
        let retries = webhook.retrySchedule.delays.map(\.formatted)
        #expect(retries == ["5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h"])
        #expect(configuration.admin.listen == ListenAddress("127.0.0.1:9464"))
        #expect(configuration.heartbeat.url == nil && configuration.heartbeat.failureURL == nil)
        #expect(configuration.heartbeat.interval == .seconds(300))
        #expect(configuration.alerts.delayedAfter == .seconds(86_400))
        #expect(configuration.retention.webhooks == .seconds(90 * 86_400))
        #expect(configuration.retention.ledger == nil)
        #expect(configuration.log.level == .info)
        #expect(configuration.log.format == .auto)
    }

    @Test func everyKeyIsKnownByItsPath() {
        let keys = Configuration.keys.map { $0.isRequired ? "\($0.path)*" : $0.path }
        #expect(
            keys == [
                "database.path", "database.url", "database.password_file", "database.schema", "gateway.protocol",
                "gateway.url*", "gateway.app_id*", "gateway.merchant_no",
                "gateway.private_key_file*",
                "gateway.public_key_files*", "gateway.ca_file", "gateway.timeout", "gateway.max_in_flight",
                "gateway.max_queries_per_second", "polling.initial_interval", "polling.multiplier",
                "polling.max_interval", "polling.slow_after", "polling.slow_interval", "polling.jitter",
                "polling.attention_after", "webhook.url", "webhook.secret_files", "webhook.events", "webhook.timeout",
                "webhook.max_in_flight", "webhook.retry_schedule", "webhook.allow_hosts", "webhook.ca_file",
                "admin.listen", "admin.hosts", "heartbeat.url", "heartbeat.failure_url", "heartbeat.interval",
                "alerts.delayed_after", "retention.webhooks", "retention.ledger", "log.level", "log.format",
            ]
        )
    }

    @Test func everyKeyCanBeSet() throws {
        let configuration = try Sample.load(
            """
            [database]
            path = "/srv/shop.db"
            [gateway]
            url = "http://127.0.0.1:8080"
            app_id = "app"
            merchant_no = "312100007235"
            private_key_file = "/keys/private"
            public_key_files = ["/keys/old", "/keys/new"]
            ca_file = "/keys/ca.pem"
            timeout = "250ms"
            max_in_flight = 1
            max_queries_per_second = 5
            [polling]
            initial_interval = "1s"
            multiplier = 3
            max_interval = "1h"
            slow_after = "7d"
            slow_interval = "12h"
            jitter = 0
            attention_after = "30d"
            [webhook]
            url = "https://shop.example/hooks?from=refundd"
            secret_files = ["/keys/secret"]
            events = ["refund.processing", "refund.settled", "refund.settled"]
            timeout = "1m"
            max_in_flight = 1024
            retry_schedule = []
            allow_hosts = ["Hooks.Internal", "127.0.0.1:8080", "[::1]:8080", "10.1.0.0/16", "fd00::/8", "::1"]
            ca_file = "/keys/hooks.pem"
            [admin]
            listen = ""
            [heartbeat]
            url = "http://127.0.0.1:8080/token"
            failure_url = "https://monitor.example/token/fail"
            interval = "1m"
            [alerts]
            delayed_after = ""
            [retention]
            webhooks = "7d"
            ledger = "30d"
            [log]
            level = "critical"
            format = "json"
            """
        )
        #expect(configuration.database.path == "/srv/shop.db")
        let gateway = try #require(configuration.gateways["default"])
        #expect(gateway.url == "http://127.0.0.1:8080")
        #expect(gateway.merchantNo == "312100007235")
        #expect(gateway.privateKeyFile == "/keys/private")
        #expect(gateway.publicKeyFiles == ["/keys/old", "/keys/new"])
        #expect(gateway.caFile == "/keys/ca.pem")
        #expect(gateway.timeout == .milliseconds(250))
        #expect(gateway.limits.maxInFlight == 1)
        #expect(gateway.limits.maxQueriesPerSecond == 5)
        #expect(configuration.polling.initialInterval == .seconds(1))
        #expect(configuration.polling.multiplier == 3)
        #expect(configuration.polling.maxInterval == .seconds(3_600))
        #expect(configuration.polling.slowAfter == .seconds(7 * 86_400))
        #expect(configuration.polling.slowInterval == .seconds(12 * 3_600))
        #expect(configuration.polling.jitter == 0)
        #expect(configuration.retention.webhooks == .seconds(7 * 86_400))
        #expect(configuration.retention.ledger == .seconds(30 * 86_400))
        #expect(configuration.polling.attentionAfter == .seconds(30 * 86_400))
        let webhook = configuration.webhook
        #expect(webhook.url == "https://shop.example/hooks?from=refundd")
        #expect(webhook.secretFiles == ["/keys/secret"])
        #expect(webhook.events == [.processing, .settled])
        #expect(webhook.timeout == .seconds(60))
        #expect(webhook.maxInFlight == 1_024)
        #expect(webhook.retrySchedule.delays.isEmpty)
        #expect(
            webhook.allowHosts.map(\.description)
                == ["hooks.internal", "127.0.0.1:8080", "[::1]:8080", "10.1.0.0/16", "fd00::/8", "::1"]
        )
        #expect(webhook.caFile == "/keys/hooks.pem")
        #expect(configuration.admin.listen == nil)
        #expect(configuration.heartbeat.url == "http://127.0.0.1:8080/token")
        #expect(configuration.heartbeat.failureURL == "https://monitor.example/token/fail")
        #expect(configuration.heartbeat.interval == .seconds(60))
        #expect(configuration.alerts.delayedAfter == nil)
        #expect(configuration.log.level == .critical)
        #expect(configuration.log.format == .json)
    }

    @Test func serverCanBeNamedInsteadOfAFile() throws {
        let url = "postgresql://refundd@a.example,b.example:5433/shop?sslrootcert=/keys/ca.pem&sslmode=verify-ca"
        let configuration = try Sample.load(
            Sample.text(
                adding: "[database]\nurl = \"\(url)\"\npassword_file = \"/keys/password\"\nschema = \"refunds_2\""
            )
        )
        #expect(configuration.database.url == url)
        #expect(configuration.database.passwordFile == "/keys/password")
        #expect(configuration.database.schema == "refunds_2")
    }

    @Test func namedGatewayHasTheSameKeysAndDefaults() throws {
        let text = Sample.text().replacing("[gateway]", with: #"[gateways."second shop"]"#)
        let configuration = try Sample.load(text)
        let plain = try Sample.load(Sample.text())
        #expect(configuration.gateways.keys.sorted() == ["second shop"])
        #expect(configuration.gateways["second shop"]?.url == plain.gateways["default"]?.url)
        #expect(configuration.gateways["second shop"]?.limits == plain.gateways["default"]?.limits)
        let both = try Sample.load(Sample.text() + text)
        #expect(both.gateways.keys.sorted() == ["default", "second shop"])
    }
}
