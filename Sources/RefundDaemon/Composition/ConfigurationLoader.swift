import Glibc
import Logging
import RefundAdmin
package import RefundConfiguration
import RefundCore

/// Reads the configuration and its credentials, and turns problems into messages.
package enum ConfigurationLoader: Sendable {
    /// Reads the configuration file.
    ///
    /// - Throws: `CommandFailure` with every problem.
    package static func configuration(
        file: String,
        environment: [String: String]
    ) throws(CommandFailure) -> Configuration {
        do {
            let check = StoreProviders.urlProblem
            return try Configuration.load(file: file, environment: environment, urlProblem: check)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Reads as much of the configuration file as a command needs that only reads the queue.
    package static func database(
        file: String,
        environment: [String: String]
    ) throws(ConfigurationError) -> DatabaseConfiguration {
        try DatabaseConfiguration(file: file, environment: environment, urlProblem: StoreProviders.urlProblem)
    }

    /// Reads the keys and secrets that a configuration names.
    ///
    /// From then on, other programs cannot read this process's memory.
    ///
    /// - Parameters:
    ///   - configuration: The configuration.
    ///   - environment: The process's environment, which tells whether systemd passed credentials.
    ///   - isForDaemon: Whether the daemon itself reads them.
    ///   - unit: The unit whose daemon reads the configuration; nil to find it out.
    /// - Returns: The credentials.
    /// - Throws: `CommandFailure` with every problem.
    static func credentials(
        _ configuration: Configuration,
        environment: [String: String] = [:],
        isForDaemon: Bool = false,
        unit: ServiceUnit? = nil
    ) throws(CommandFailure) -> Credentials {
        try ProcessMemory.hide()
        let unit = isForDaemon ? nil : unit ?? .serving(configuration.file)
        let configuration = configuration.readingCredentials(of: unit)
        let (credentials, problems) = Credentials.load(configuration, isForDaemon: isForDaemon)
        guard problems.isEmpty else {
            let isUnits = environment["CREDENTIALS_DIRECTORY"]?.isEmpty == false
            var messages = problems.map { problem in
                let problem = isUnits ? problem.ofUnit(configuration.file) : problem
                let isInstallable = unit != nil && problem.isMissingFile && !problem.isHidden
                let advice = isInstallable ? CredentialAdvice(isUnits: true).findings([problem]).first?.line : nil
                return "\(configuration.file): \(advice ?? problem.description)"
            }
            if problems.contains(where: \.isMissingFile) {
                messages += missingFileHint(configuration.file, environment)
            }
            throw CommandFailure(.configuration, messages)
        }
        return credentials
    }

    /// What a missing key or secret may be about.
    ///
    /// The folder of keys and secrets is root's alone, so to everyone else each of them seems to be missing.
    static func missingFileHint(_ file: String, _ environment: [String: String]) -> [String] {
        let credentials = "\(file.folder)/credentials"
        if environment["CREDENTIALS_DIRECTORY"]?.isEmpty == false {
            return [
                "systemd passes keys and secrets to refundd only when it starts: put the missing files into "
                    + "\(credentials), then run: systemctl restart refundd"
            ]
        }
        let isHidden = unsafe access(credentials, X_OK) != 0 && errno == EACCES
        return isHidden ? ["only root can see the files in \(credentials): run this command with sudo"] : []
    }
}

/// A configuration with its credentials, as the daemon uses it.
struct LoadedConfiguration: Sendable {
    let configuration: Configuration
    let credentials: Credentials

    /// Reads the file and everything that it names.
    init(file: String, environment: [String: String]) throws(CommandFailure) {
        let configuration = try ConfigurationLoader.configuration(file: file, environment: environment)
        try self.init(configuration, environment)
    }

    private init(_ configuration: Configuration, _ environment: [String: String]) throws(CommandFailure) {
        self.configuration = configuration
        credentials = try ConfigurationLoader.credentials(
            configuration,
            environment: environment,
            isForDaemon: true
        )
        let problems = ConfigurationCheck.keyProblems(credentials).map { "\(configuration.file): \($0)" }
        guard problems.isEmpty else { throw CommandFailure(.configuration, problems) }
    }

    /// Reads the file again.
    ///
    /// - Throws: `CommandFailure` if the file is invalid, or if it changes a setting that needs a restart.
    func reloaded(environment: [String: String]) throws(CommandFailure) -> LoadedConfiguration {
        let new = try ConfigurationLoader.configuration(file: configuration.file, environment: environment)
        let obstacles = new.obstaclesToReload(since: configuration)
        guard obstacles.isEmpty else { throw CommandFailure(.configuration, obstacles.map(\.description)) }
        return try LoadedConfiguration(new, environment)
    }

    /// The lowest level that is logged.
    var logLevel: Logger.Level { Logger.Level(rawValue: configuration.log.level.rawValue) ?? .info }

    /// Returns the format of log lines.
    func logFormat(environment: [String: String]) -> RefundAdmin.LogFormat {
        RefundAdmin.LogFormat(named: configuration.log.format.rawValue, environment: environment) ?? .text
    }
}
