import RefundCore

// The keys of every section. The reader, `Configuration.keys` and so the test of the example file follow these tables.

extension DatabaseSettings: Section {
    static let sectionName = "database"
    static let defaults = DatabaseSettings()

    static func settings(_ files: FileLocator) -> [Setting<DatabaseSettings>] {
        [Setting("path", \.path, .file(files, isCredential: false, example: "refundd.db"))]
    }
}

extension GatewaySettings: Section {
    static let sectionName = "gateway"
    static let defaults = GatewaySettings(url: "", appID: "", privateKeyFile: "", publicKeyFiles: [])

    static func settings(_ files: FileLocator) -> [Setting<GatewaySettings>] {
        let publicKey = Kind<String>.file(files, example: "gateway_public_key")
        return [
            Setting("url", \.url, .gatewayAddress, isRequired: true),
            Setting("app_id", \.appID, .identifier(example: "wz715fc0d10ee9d156"), isRequired: true),
            Setting("merchant_no", \.merchantNo, Kind<String>.identifier(example: "312100007235").orEmpty),
            Setting("private_key_file", \.privateKeyFile, .file(files, example: "app_private_key"), isRequired: true),
            Setting(
                "public_key_files",
                \.publicKeyFiles,
                publicKey.list(of: "file names", count: 1...2),
                isRequired: true
            ),
            Setting("ca_file", \.caFile, Kind<String>.file(files, example: "ca.pem").orEmpty),
            Setting("timeout", \.timeout, .duration),
            Setting("max_in_flight", \.limits.maxInFlight, .count(in: 1...1_024)),
            Setting("max_queries_per_second", \.limits.maxQueriesPerSecond, .rate),
        ]
    }
}

extension PollingPolicy: Section {
    static let sectionName = "polling"
    static let defaults = PollingPolicy()

    static func settings(_ files: FileLocator) -> [Setting<PollingPolicy>] {
        [
            Setting("initial_interval", \.initialInterval, .duration),
            Setting("multiplier", \.multiplier, .factor),
            Setting("max_interval", \.maxInterval, .duration),
            Setting("slow_after", \.slowAfter, .duration),
            Setting("slow_interval", \.slowInterval, .duration),
            Setting("jitter", \.jitter, .part),
            Setting("attention_after", \.attentionAfter, .duration),
        ]
    }
}

extension WebhookSettings: Section {
    static let sectionName = "webhook"
    static let defaults = WebhookSettings()

    static func settings(_ files: FileLocator) -> [Setting<WebhookSettings>] {
        let secret = Kind<String>.file(files, example: "webhook_secret")
        let event = Kind<EventType>.choice(of: "an event", example: .settled)
        return [
            Setting("url", \.url, Kind<String>.webhookAddress.orEmpty),
            Setting("secret_files", \.secretFiles, secret.list(of: "file names", count: 0...2)),
            Setting("events", \.events, event.set(of: "events")),
            Setting("timeout", \.timeout, .duration),
            Setting("max_in_flight", \.maxInFlight, .count(in: 1...1_024)),
            Setting("retry_schedule", \.retrySchedule.delays, Kind<Duration>.duration.list(of: "durations")),
            Setting("allow_hosts", \.allowHosts, Kind<String>.allowedHost.list(of: "hosts")),
            Setting("ca_file", \.caFile, Kind<String>.file(files, example: "ca.pem").orEmpty),
        ]
    }
}

extension AdminSettings: Section {
    static let sectionName = "admin"
    static let defaults = AdminSettings()

    static func settings(_ files: FileLocator) -> [Setting<AdminSettings>] {
        [Setting("listen", \.listen, Kind<ListenAddress>.listenAddress.orEmpty)]
    }
}

extension LogSettings: Section {
    static let sectionName = "log"
    static let defaults = LogSettings()

    static func settings(_ files: FileLocator) -> [Setting<LogSettings>] {
        [
            Setting("level", \.level, .choice(of: "a level", example: .info)),
            Setting("format", \.format, .choice(of: "a format", example: .auto)),
        ]
    }
}
