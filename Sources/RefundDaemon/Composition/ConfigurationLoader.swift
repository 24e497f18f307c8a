import Logging
import RefundAdmin
package import RefundConfiguration

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
            return try Configuration.load(file: file, environment: environment)
        } catch {
            throw CommandFailure(.configuration, error.problems.map(\.description))
        }
    }

    /// Reads the keys and secrets that a configuration names.
    ///
    /// From then on, other programs cannot read this process's memory.
    static func credentials(
        _ configuration: Configuration,
        isForDaemon: Bool = false
    ) throws(CommandFailure) -> Credentials {
        try ProcessMemory.hide()
        let (credentials, problems) = Credentials.load(configuration, isForDaemon: isForDaemon)
        guard problems.isEmpty else {
            throw CommandFailure(.configuration, problems.map { "\(configuration.file): \($0)" })
        }
        return credentials
    }
}

/// A configuration with its credentials, as the daemon uses it.
struct LoadedConfiguration: Sendable {
    let configuration: Configuration
    let credentials: Credentials

    /// Reads the file and everything that it names.
    init(file: String, environment: [String: String]) throws(CommandFailure) {
        try self.init(ConfigurationLoader.configuration(file: file, environment: environment))
    }

    private init(_ configuration: Configuration) throws(CommandFailure) {
        self.configuration = configuration
        credentials = try ConfigurationLoader.credentials(configuration, isForDaemon: true)
    }

    /// Reads the file again.
    ///
    /// - Throws: `CommandFailure` if the file is invalid, or if it changes a setting that needs a restart.
    func reloaded(environment: [String: String]) throws(CommandFailure) -> LoadedConfiguration {
        let new = try ConfigurationLoader.configuration(file: configuration.file, environment: environment)
        let obstacles = new.obstaclesToReload(since: configuration)
        guard obstacles.isEmpty else { throw CommandFailure(.configuration, obstacles.map(\.description)) }
        return try LoadedConfiguration(new)
    }

    /// The lowest level that is logged.
    var logLevel: Logger.Level { Logger.Level(rawValue: configuration.log.level.rawValue) ?? .info }

    /// Returns the format of log lines.
    func logFormat(environment: [String: String]) -> RefundAdmin.LogFormat {
        RefundAdmin.LogFormat(named: configuration.log.format.rawValue, environment: environment) ?? .text
    }
}
