import FoundationEssentials
import TOML

/// What commands that only read need of a configuration: where the queue is.
///
/// A mistake in another section must not keep an operator from looking at the queue.
package struct DatabaseConfiguration: Sendable {
    /// The absolute path of the configuration file.
    package let file: String
    /// The `[database]` section.
    package let database: DatabaseSettings
    /// The whole configuration; nil if another section is invalid.
    package let whole: Configuration?
    /// The problems of the other sections; empty for a valid configuration.
    package let problems: [ConfigurationProblem]

    /// Creates it from a valid configuration.
    package init(_ configuration: Configuration) {
        (file, database, whole, problems) = (configuration.file, configuration.database, configuration, [])
    }

    /// Reads a configuration file and applies the environment's overrides.
    ///
    /// - Parameters:
    ///   - file: The path of the file, absolute or relative to the current directory.
    ///   - environment: The process's environment.
    ///   - urlProblem: Judges the URL of a server.
    /// - Throws: `ConfigurationError` if the file cannot be read or `[database]` is invalid.
    package init(
        file: String,
        environment: [String: String],
        urlProblem: DatabaseURLCheck = { _ in nil }
    ) throws(ConfigurationError) {
        self.file = FileLocator.absolute(file)
        do throws(ConfigurationError) {
            let configuration = try Configuration.load(file: file, environment: environment, urlProblem: urlProblem)
            database = configuration.database
            whole = configuration
            problems = []
        } catch {
            // Text that is not TOML has no sections at all.
            let document = try ConfigurationFile.document(of: self.file)
            var reader = ConfigurationReader(file: self.file, document: document, environment: environment)
            database = try reader.database(urlProblem)
            whole = nil
            problems = error.problems
        }
    }
}

/// What commands for the developers of webhook receivers need of a configuration: the `[webhook]` section.
///
/// They need neither a database nor a gateway.
package struct WebhookConfiguration: Sendable {
    /// The absolute path of the configuration file.
    package let file: String
    /// The `[webhook]` section.
    package let webhook: WebhookSettings

    /// Reads the section of a configuration file and applies the environment's overrides.
    ///
    /// - Parameters:
    ///   - file: The path of the file, absolute or relative to the current directory.
    ///   - mayBeMissing: Whether a file that does not exist is like an empty one.
    ///   - environment: The process's environment.
    /// - Throws: `ConfigurationError` if the file cannot be read or `[webhook]` is invalid.
    package init(file: String, mayBeMissing: Bool, environment: [String: String]) throws(ConfigurationError) {
        self.file = FileLocator.absolute(file)
        var document: [String: TOMLValue] = [:]
        if !mayBeMissing || FileManager.default.fileExists(atPath: self.file) {
            document = try ConfigurationFile.document(of: self.file)
        }
        var reader = ConfigurationReader(file: self.file, document: document, environment: environment)
        webhook = try reader.webhook()
    }
}
