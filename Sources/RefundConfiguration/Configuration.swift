package import RefundCore

/// The configuration of refundd: what the file says, with environment variables laid over it and defaults below it.
package struct Configuration: Hashable, Sendable {
    /// The absolute path of the file it was read from.
    package var file: String
    /// Where the queue is.
    package var database = DatabaseSettings()
    /// The gateways by name: `[gateway]` is `default`, `[gateways.NAME]` is `NAME`.
    package var gateways: [String: GatewaySettings]
    /// When refunds are queried.
    package var polling = PollingPolicy()
    /// Where events are sent, and how.
    package var webhook = WebhookSettings()
    /// What the operator sees over HTTP.
    package var admin = AdminSettings()
    /// What is logged.
    package var log = LogSettings()

    /// The name of the gateway that `[gateway]` configures and that rows name unless they say otherwise.
    package static let defaultGateway = "default"

    /// Creates a configuration with defaults for everything but its gateways.
    ///
    /// - Parameters:
    ///   - file: The absolute path that relative names and messages refer to.
    ///   - gateways: The gateways by name.
    package init(file: String, gateways: [String: GatewaySettings]) {
        self.file = file
        self.gateways = gateways
    }

    /// Reads a configuration file and lays the environment over it.
    ///
    /// The files that the configuration names are not opened.
    ///
    /// - Parameters:
    ///   - file: The file's path; a relative one refers to the current folder.
    ///   - environment: The environment variables, of which those named `REFUNDD_…` and `CREDENTIALS_DIRECTORY` count.
    /// - Returns: The configuration, with every bound checked and every file name absolute.
    /// - Throws: Everything that is wrong, at once.
    package static func load(
        file: String,
        environment: [String: String]
    ) throws(ConfigurationProblems) -> Configuration {
        let file = FileLocator.absolute(file)
        let document: [String: RawValue]
        do throws(ConfigurationError) {
            document = try TOMLReader.entries(of: ConfigurationFile.text(of: file), file: file)
        } catch {
            throw ConfigurationProblems(errors: [error])
        }
        var reader = ConfigurationReader(file: file, document: document, environment: environment)
        return try reader.configuration()
    }
}
