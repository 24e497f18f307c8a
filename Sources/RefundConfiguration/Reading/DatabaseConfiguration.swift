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
            let text = try ConfigurationFile.text(of: self.file)
            // Text that is not TOML has no sections at all.
            guard let document = try? TOMLReader.read(text) else { throw error }
            var reader = ConfigurationReader(file: self.file, document: document, environment: environment)
            database = try reader.database(urlProblem)
            whole = nil
            problems = error.problems
        }
    }
}
