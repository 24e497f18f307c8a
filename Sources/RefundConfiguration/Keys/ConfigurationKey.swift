import RefundCore

/// A key that the configuration knows.
package struct ConfigurationKey: Hashable, Sendable {
    /// The section it stands in, such as `polling`; what `gateway` has, every `[gateways.NAME]` has too.
    package let section: String
    /// Its name in the section, such as `jitter`.
    package let name: String
    /// The default in the file's own notation, or nil for a key that must be given.
    package let defaultText: String?

    /// The key as messages name it, such as `polling.jitter`.
    package var path: String { "\(section).\(name)" }

    /// The environment variable that overrides it, such as `REFUNDD_POLLING_JITTER`.
    package var variable: String { SectionPath(parts: [section]).variable(name) }
}

extension Configuration {
    /// Every key, in the order of the example file.
    ///
    /// It is made from the tables that the file is read with, and its defaults from the settings' own.
    package static var keys: [ConfigurationKey] {
        // Where files are found matters to no name and no default.
        let files = FileLocator(file: "/", environment: [:])
        return DatabaseSettings.keys(files) + GatewaySettings.keys(files) + PollingPolicy.keys(files)
            + WebhookSettings.keys(files) + AdminSettings.keys(files) + LogSettings.keys(files)
    }
}

extension Section {
    fileprivate static func keys(_ files: FileLocator) -> [ConfigurationKey] {
        settings(files).map { ConfigurationKey(section: sectionName, name: $0.name, defaultText: $0.defaultText) }
    }
}
