import RefundCore

// Every key of refundd.conf. This table is their only declaration: the reader, the environment variables, the
// suggestions for misspelt names and the test of refundd.conf.example all use it. The settings define the defaults.

extension DatabaseSettings: ConfigurationSection {
    static let name = "database"
    static let keys: [Key] = [
        Key("path", \.path, .file(isCredential: false, example: "refundd.db")),
        Key("url", \.url, ValueType.databaseURL.orEmpty),
        Key("password_file", \.passwordFile, ValueType.file(example: "database_password").orEmpty),
        Key("schema", \.schema, .schemaName),
    ]
}

extension GatewaySettings: ConfigurationSection {
    static let name = "gateway"
    static let keys: [Key] = [
        Key("protocol", \.protocolName, .protocolName),
        Key("url", \.url, .gatewayURL, isRequired: true),
        Key("app_id", \.appID, .identifier, isRequired: true),
        Key("merchant_no", \.merchantNo, ValueType.identifier.orEmpty),
        Key("private_key_file", \.privateKeyFile, .file(example: "app_private_key"), isRequired: true),
        Key("public_key_files", \.publicKeyFiles, .files(1...2, example: "gateway_public_key"), isRequired: true),
        Key("ca_file", \.caFile, ValueType.file(example: "ca.pem").orEmpty),
        Key("timeout", \.timeout, .timeout),
        Key("max_in_flight", \.limits.maxInFlight, .integer(in: 1...1_024)),
        Key("max_queries_per_second", \.limits.maxQueriesPerSecond, .positive),
    ]
}

extension PollingPolicy: ConfigurationSection {
    static let name = "polling"
    static let keys: [Key] = [
        Key("initial_interval", \.initialInterval, .duration),
        Key("multiplier", \.multiplier, .factor),
        Key("max_interval", \.maxInterval, .duration),
        Key("slow_after", \.slowAfter, .duration),
        Key("slow_interval", \.slowInterval, .duration),
        Key("jitter", \.jitter, .fraction),
        Key("attention_after", \.attentionAfter, .duration),
    ]
}

extension WebhookSettings: ConfigurationSection {
    static let name = "webhook"
    static let keys: [Key] = [
        Key("url", \.url, ValueType.webhookURL.orEmpty),
        Key("secret_files", \.secretFiles, .files(0...2, example: "webhook_secret")),
        Key("events", \.events, .events),
        Key("timeout", \.timeout, .timeout),
        Key("max_in_flight", \.maxInFlight, .integer(in: 1...1_024)),
        Key("retry_schedule", \.retrySchedule.delays, ValueType.duration.array(of: "durations")),
        Key("allow_hosts", \.allowHosts, ValueType.allowedHost.array(of: "hosts")),
        Key("ca_file", \.caFile, ValueType.file(example: "ca.pem").orEmpty),
    ]
}

extension AdminSettings: ConfigurationSection {
    static let name = "admin"
    static let keys: [Key] = [
        Key("listen", \.listen, ValueType.listenAddress.orEmpty),
        Key("hosts", \.hosts, ValueType.hostName.array(of: "host names")),
    ]
}

extension HeartbeatSettings: ConfigurationSection {
    static let name = "heartbeat"
    static let keys: [Key] = [
        Key("url", \.url, ValueType.monitorURL.orEmpty),
        Key("failure_url", \.failureURL, ValueType.monitorURL.orEmpty),
        Key("interval", \.interval, .interval),
    ]
}

extension AlertSettings: ConfigurationSection {
    static let name = "alerts"
    static let keys: [Key] = [
        Key("delayed_after", \.delayedAfter, ValueType.duration.orEmpty)
    ]
}

extension RetentionPolicy: ConfigurationSection {
    static let name = "retention"
    static let keys: [Key] = [
        Key("webhooks", \.webhooks, ValueType.duration(keptAtLeast: leastWebhooks).orEmpty),
        Key("ledger", \.ledger, ValueType.duration(keptAtLeast: leastLedger).orEmpty),
    ]
}

extension LogSettings: ConfigurationSection {
    static let name = "log"
    static let keys: [Key] = [
        Key("level", \.level, .choice),
        Key("format", \.format, .choice),
    ]
}

extension Configuration {
    /// Every key, in the order of `refundd.conf.example`.
    package static let keys: [ConfigurationKey] =
        DatabaseSettings.descriptions + GatewaySettings.descriptions + PollingPolicy.descriptions
        + WebhookSettings.descriptions + AdminSettings.descriptions + HeartbeatSettings.descriptions
        + AlertSettings.descriptions + RetentionPolicy.descriptions + LogSettings.descriptions
}

/// The description of a key.
package struct ConfigurationKey: Hashable, Sendable {
    /// The section of the key, such as `polling`; every `[gateways.NAME]` has the keys of `gateway`.
    package let section: String
    /// The name in the section, such as `jitter`.
    package let name: String
    /// Whether the key has no default.
    package let isRequired: Bool

    /// The key as messages name it, such as `polling.jitter`.
    package var path: String { "\(section).\(name)" }

    /// The environment variable that overrides the key, such as `REFUNDD_POLLING_JITTER`.
    package var variable: String { SectionPath(parts: [section]).variable(name) }
}

/// The settings of a section and the keys that fill them.
protocol ConfigurationSection: Sendable {
    typealias Key = SectionKey<Self>

    static var name: String { get }
    static var keys: [Key] { get }

    /// Creates the settings of an empty section: the defaults.
    init()
}

extension ConfigurationSection {
    fileprivate static var descriptions: [ConfigurationKey] {
        keys.map { ConfigurationKey(section: name, name: $0.name, isRequired: $0.isRequired) }
    }
}

/// A key of a section: its name, its type and the setting it fills.
struct SectionKey<Settings: Sendable>: Sendable {
    let name: String
    let isRequired: Bool
    /// Reads a value into the settings.
    let apply: @Sendable (ConfigurationValue, FileLocator, inout Settings) throws(InvalidValue) -> Void
    /// Whether two settings differ in the key.
    let differs: @Sendable (Settings, Settings) -> Bool

    init<Value: Equatable>(
        _ name: String,
        _ path: any WritableKeyPath<Settings, Value> & Sendable,
        _ type: ValueType<Value>,
        isRequired: Bool = false
    ) {
        self.name = name
        self.isRequired = isRequired
        apply = { (value, files, settings) throws(InvalidValue) in
            settings[keyPath: path] = try type.read(value, files)
        }
        differs = { $0[keyPath: path] != $1[keyPath: path] }
    }
}
