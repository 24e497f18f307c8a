import RefundCore
import TOML

/// Reads a parsed file and the environment into a configuration and collects every problem.
struct ConfigurationReader {
    let file: String
    private let files: FileLocator
    var document: [String: TOMLValue]
    var environment: EnvironmentOverrides
    private var problems: [ConfigurationProblem] = []
    // The variables that override keys, by key path.
    private var variables: [String: String] = [:]
    // The keys that have a value, which may be the default's.
    private var given: Set<String> = []

    /// Creates a reader.
    ///
    /// - Parameters:
    ///   - file: The absolute path of the configuration file.
    ///   - document: The content of the file.
    ///   - environment: The environment variables.
    init(file: String, document: [String: TOMLValue], environment: [String: String]) {
        self.file = file
        self.document = document
        files = FileLocator(file: file, environment: environment)
        self.environment = EnvironmentOverrides(environment)
    }

    /// Reads the whole configuration.
    ///
    /// - Throws: `ConfigurationError` with every problem.
    mutating func configuration(_ urlProblem: DatabaseURLCheck) throws(ConfigurationError) -> Configuration {
        let database = checkedDatabase(urlProblem)
        var configuration = Configuration(file: file, gateways: gateways())
        configuration.database = database
        configuration.polling = section()
        configuration.webhook = section()
        configuration.admin = section()
        configuration.heartbeat = section()
        configuration.alerts = section()
        configuration.retention = section()
        configuration.log = section()
        checkConsistency(of: configuration)
        reportUnknownSections()
        reportUnknownVariables()
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        return configuration
    }

    /// Reads the `[database]` section alone.
    ///
    /// - Throws: `ConfigurationError` with every problem of it.
    mutating func database(_ urlProblem: DatabaseURLCheck) throws(ConfigurationError) -> DatabaseSettings {
        let database = checkedDatabase(urlProblem)
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        return database
    }

    /// Reads the `[webhook]` section alone.
    ///
    /// - Throws: `ConfigurationError` with every problem of it.
    mutating func webhook() throws(ConfigurationError) -> WebhookSettings {
        let webhook: WebhookSettings = section()
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        return webhook
    }

    private mutating func section<Settings: ConfigurationSection>() -> Settings {
        settings(at: SectionPath(parts: [Settings.name]), from: document.removeValue(forKey: Settings.name))
    }

    /// Reads a section.
    ///
    /// - Parameters:
    ///   - path: The path of the section.
    ///   - value: The section in the file; nil if it has none.
    /// - Returns: The settings, with the default of every missing or invalid key.
    mutating func settings<Settings: ConfigurationSection>(at path: SectionPath, from value: TOMLValue?) -> Settings {
        var settings = Settings()
        var entries: [String: TOMLValue] = [:]
        switch value {
        case nil: break
        case .table(let table): entries = table
        case let value?:
            let shown = ConfigurationValue.file(value).shown
            report(InvalidValue("expected a section; write \(path.header)", value: shown), at: path.description)
            return settings
        }
        for key in Settings.keys {
            let keyPath = path.key(key.name)
            let variable = path.variable(key.name)
            var value = entries.removeValue(forKey: key.name).map(ConfigurationValue.file)
            if let text = environment.take(variable) {
                value = .variable(text)
                variables[keyPath] = variable
            }
            if value != nil { given.insert(keyPath) }
            guard let value else {
                if key.isRequired { report(InvalidValue("missing from \(path.header)", .missing), at: keyPath) }
                continue
            }
            do throws(InvalidValue) {
                try key.apply(value, files, &settings)
            } catch {
                report(error, at: keyPath)
            }
        }
        for name in entries.keys.sorted() {
            let hint = Self.hint(forUnknownKey: name, in: Settings.name)
            report(InvalidValue("unknown key\(hint)", .unknown), at: path.key(name))
        }
        return settings
    }

    /// Records a problem of a key, a section or a variable.
    mutating func report(_ what: InvalidValue, at key: String?, variable: String? = nil) {
        let variable = variable ?? key.flatMap { variables[$0] }
        let place = variable.map(ConfigurationProblem.Place.variable) ?? .file(file)
        problems.append(ConfigurationProblem(what, place: place, key: key))
    }

    private func isInvalid(_ key: String) -> Bool {
        problems.contains { $0.key == key }
    }

    /// Reads `[database]`, which names a file or a server.
    private mutating func checkedDatabase(_ urlProblem: DatabaseURLCheck) -> DatabaseSettings {
        var database: DatabaseSettings = section()
        if database.url != nil {
            database.files = files
            if let problem = urlProblem(database) { report(InvalidValue(problem), at: "database.url") }
        }
        if isInvalid("database.url") { return database }
        if database.url != nil, given.contains("database.path") {
            let message = "database.url names a server, and the queue is in one place; remove one of them"
            report(InvalidValue(message, .conflict), at: "database.path")
        }
        guard database.url == nil else { return database }
        if database.passwordFile != nil {
            report(
                InvalidValue("only a server has a password; set database.url", .conflict),
                at: "database.password_file"
            )
        }
        if database.schema != DatabaseSettings.defaultSchema {
            report(InvalidValue("only a server has schemas; set database.url", .conflict), at: "database.schema")
        }
        return database
    }

    /// Checks keys against each other; skips invalid keys, which have their defaults.
    private mutating func checkConsistency(of configuration: Configuration) {
        let polling = configuration.polling
        if polling.maxInterval < polling.initialInterval, !isInvalid("polling.max_interval"),
            !isInvalid("polling.initial_interval")
        {
            let message = "shorter than polling.initial_interval, \(polling.initialInterval.formatted.quoted)"
            let value = polling.maxInterval.formatted.quoted
            report(InvalidValue(message, .conflict, value: value), at: "polling.max_interval")
        }
        let webhook = configuration.webhook
        if webhook.url != nil, webhook.secretFiles.isEmpty, !isInvalid("webhook.secret_files") {
            report(InvalidValue("required because webhook.url is set", .conflict), at: "webhook.secret_files")
        }
        if configuration.heartbeat.failureURL != nil, configuration.heartbeat.url == nil, !isInvalid("heartbeat.url") {
            report(InvalidValue("required because heartbeat.failure_url is set", .conflict), at: "heartbeat.url")
        }
        let retention = configuration.retention
        if let ledger = retention.ledger, retention.webhooks.map({ $0 > ledger }) ?? true,
            !isInvalid("retention.ledger"), !isInvalid("retention.webhooks")
        {
            let kept = retention.webhooks.map { "\($0.formatted.quoted)" } ?? "\"\", which means for ever"
            let message = "shorter than retention.webhooks, \(kept); what goes with its refund cannot be kept longer"
            report(InvalidValue(message, .conflict, value: ledger.formatted.quoted), at: "retention.ledger")
        }
    }
}

extension ConfigurationReader {
    private static let sections = Set(Configuration.keys.map(\.section) + ["gateways"]).sorted()

    private mutating func reportUnknownSections() {
        for (name, value) in document.sorted(by: { $0.key < $1.key }) {
            let key = SectionPath(parts: [name]).description
            if case .table = value {
                let suggestion = Suggestion.closest(to: name, among: Self.sections)
                let hint = suggestion.map { "; did you mean [\($0)]?" } ?? ""
                report(InvalidValue("unknown section\(hint)", .unknown), at: key)
            } else {
                report(InvalidValue("key outside of a section\(Self.ownersHint(name))", .unknown), at: key)
            }
        }
    }

    private mutating func reportUnknownVariables() {
        for variable in environment.unused {
            let hint = environment.suggestion(for: variable).map { "did you mean \($0)?" } ?? "unset it"
            let message = "overrides no key of \(file); \(hint)"
            report(InvalidValue(message, .unknown), at: nil, variable: variable.shown)
        }
    }

    private static func hint(forUnknownKey name: String, in section: String) -> String {
        let names = Configuration.keys.filter { $0.section == section }.map(\.name)
        return Suggestion.closest(to: name, among: names).map { "; did you mean \($0)?" } ?? ownersHint(name)
    }

    private static func ownersHint(_ name: String) -> String {
        let owners = Configuration.keys.filter { $0.name == name }.map { "[\($0.section)]" }
        return owners.isEmpty ? "" : "; it belongs to \(owners.joined(separator: " or "))"
    }
}
