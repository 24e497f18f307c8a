import FoundationEssentials
import RefundCore

/// Resolves the file names in a configuration.
package struct FileLocator: Hashable, Sendable {
    // With LoadCredential=refundd:FOLDER, systemd names each credential refundd_FILE.
    private static let credentialPrefix = "refundd_"

    private let folder: String
    // Where systemd puts credentials, see `LoadCredential=` in systemd.exec(5).
    private let credentials: String?

    /// Creates a locator.
    ///
    /// - Parameters:
    ///   - file: The absolute path of the configuration file.
    ///   - environment: The environment, of which `CREDENTIALS_DIRECTORY` is used.
    init(file: String, environment: [String: String]) {
        folder = file.folder
        credentials = environment["CREDENTIALS_DIRECTORY"].flatMap { $0.isEmpty ? nil : Self.absolute($0) }
    }

    /// Resolves a name.
    ///
    /// The service manager passes credentials only to the daemon. An operator's command reads them from their source,
    /// the folder `credentials` next to the configuration file.
    ///
    /// - Parameters:
    ///   - name: The name in the configuration.
    ///   - isCredential: Whether a bare name is looked up among the credentials first and in the folder `credentials`
    ///     last.
    /// - Returns: The absolute path, whether or not the file exists.
    package func path(of name: String, isCredential: Bool) -> String {
        if name.hasPrefix("/") { return name }
        let path = "\(folder)/\(name)"
        guard isCredential, !name.contains("/") else { return path }
        let loaded = credentials.map { ["\($0)/\(name)", "\($0)/\(Self.credentialPrefix)\(name)"] } ?? []
        let paths = loaded + [path, "\(folder)/credentials/\(name)"]
        return paths.first(where: FileManager.default.fileExists) ?? path
    }

    /// Returns a path relative to the current directory as an absolute one.
    static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        let folder = FileManager.default.currentDirectoryPath
        return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
    }
}
