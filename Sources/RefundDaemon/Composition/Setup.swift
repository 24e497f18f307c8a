import Logging
import RefundAdmin
package import RefundConfiguration

/// Reads what a command needs before it can begin, and turns what is wrong into messages.
package enum Setup: Sendable {
    /// Reads the configuration.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - environment: The process's environment.
    /// - Returns: The configuration.
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

    /// Reads the keys and secrets that a configuration names, and hides the memory that holds them from now on.
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

extension RefundAdmin.LogFormat {
    init(_ format: RefundConfiguration.LogFormat, environment: [String: String]) {
        self = RefundAdmin.LogFormat(named: format.rawValue, environment: environment) ?? .text
    }
}

extension Logger.Level {
    init(_ level: RefundConfiguration.LogLevel) {
        self = Logger.Level(rawValue: level.rawValue) ?? .info
    }
}
