import FoundationEssentials
import TOML

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
            let text = try ConfigurationFile.text(of: self.file)
            do throws(TOMLError) {
                document = try TOMLReader.read(text)
            } catch {
                throw ConfigurationError(problems: [ConfigurationProblem(error, in: self.file)])
            }
        }
        var reader = ConfigurationReader(file: self.file, document: document, environment: environment)
        webhook = try reader.webhook()
    }
}
