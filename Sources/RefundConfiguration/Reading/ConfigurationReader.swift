import RefundCore

/// The way from a parsed file and the environment to a configuration, noting everything that is wrong on the way.
struct ConfigurationReader {
    let file: String
    private let files: FileLocator
    private(set) var document: [String: RawValue]
    var overrides: Overrides
    /// The variable that a key's value came from, by key path.
    private var variables: [String: String] = [:]
    private var errors: [ConfigurationError] = []

    /// Creates a reader.
    ///
    /// - Parameters:
    ///   - file: The configuration file's absolute path.
    ///   - document: What the file says.
    ///   - environment: The environment variables.
    init(file: String, document: [String: RawValue], environment: [String: String]) {
        self.file = file
        self.document = document
        files = FileLocator(file: file, environment: environment)
        overrides = Overrides(environment)
    }

    /// Reads everything.
    ///
    /// - Throws: Everything that is wrong.
    mutating func configuration() throws(ConfigurationProblems) -> Configuration {
        let database = section(DatabaseSettings.self)
        var configuration = Configuration(file: file, gateways: gateways())
        configuration.database = database
        configuration.polling = section(PollingPolicy.self)
        configuration.webhook = section(WebhookSettings.self)
        configuration.admin = section(AdminSettings.self)
        configuration.log = section(LogSettings.self)
        checkTogether(configuration)
        refuseUnknownSections()
        refuseUnknownVariables()
        guard errors.isEmpty else { throw ConfigurationProblems(errors: errors) }
        return configuration
    }

    /// Takes what stands at the top of the file under a name.
    mutating func takeFromTop(_ name: String) -> RawValue? {
        document.removeValue(forKey: name)
    }

    private mutating func section<Settings: Section>(_ type: Settings.Type) -> Settings {
        let path = SectionPath(parts: [Settings.sectionName])
        return settings(at: path, from: takeFromTop(Settings.sectionName))
    }

    /// Reads the settings of a section.
    ///
    /// - Parameters:
    ///   - path: Where the section stands.
    ///   - value: What stands there, or nil.
    /// - Returns: The settings, with defaults for whatever was missing or refused.
    mutating func settings<Settings: Section>(at path: SectionPath, from value: RawValue?) -> Settings {
        var result = Settings.defaults
        var entries: [String: RawValue] = [:]
        switch value {
        case nil: break
        case .table(let table): entries = table
        case let value?:
            let refusal = value.refusal(
                expected: "a section",
                remedy: "write \(path.header) on a line of its own, once"
            )
            report(refusal, at: path.description)
            return result
        }
        for setting in Settings.settings(files) {
            let key = path.key(setting.name)
            let variable = path.variable(setting.name)
            var raw = entries.removeValue(forKey: setting.name)
            if let text = overrides.take(variable) {
                raw = .variable(text)
                variables[key] = variable
            }
            guard let raw else {
                if setting.isRequired { report(Refusal("is missing", "add it below \(path.header)"), at: key) }
                continue
            }
            do throws(Refusal) {
                try setting.apply(raw, &result)
            } catch {
                report(error, at: key)
            }
        }
        for name in entries.keys.sorted() {
            let remedy = Self.remedy(forUnknownKey: name, in: Settings.sectionName)
            report(Refusal("is not a key of \(path.header)", remedy), at: path.key(name))
        }
        return result
    }

    /// Notes what is wrong with a key or a section.
    mutating func report(_ refusal: Refusal, at key: String?, variable: String? = nil) {
        errors.append(
            ConfigurationError(
                file: file,
                variable: variable ?? key.flatMap { variables[$0] },
                key: key,
                value: refusal.value,
                problem: refusal.problem,
                remedy: refusal.remedy
            )
        )
    }

    /// Whether something was wrong with a key.
    func isRefused(_ key: String) -> Bool {
        errors.contains { $0.key == key }
    }
}
