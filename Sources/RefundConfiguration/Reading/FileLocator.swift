import FoundationEssentials

/// Where the files are that a configuration names.
struct FileLocator: Sendable {
    /// The configuration file's folder.
    let folder: String
    /// Where systemd puts credentials, see `LoadCredential=` in systemd.exec(5).
    let credentials: String?

    /// Creates a locator for the names in a configuration file.
    ///
    /// - Parameters:
    ///   - file: The configuration file's absolute path.
    ///   - environment: The environment, of which `CREDENTIALS_DIRECTORY` counts.
    init(file: String, environment: [String: String]) {
        folder = String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)])
        credentials = environment["CREDENTIALS_DIRECTORY"].flatMap { $0.isEmpty ? nil : Self.absolute($0) }
    }

    /// The absolute path of a name.
    ///
    /// Only the service manager hands out credentials: the command of a person finds them where they came from.
    ///
    /// - Parameters:
    ///   - name: The name as configured.
    ///   - isCredential: Whether a bare name is looked for among the credentials first, and in the folder `credentials`
    ///     beside the configuration last.
    /// - Returns: The path, whether or not there is a file.
    func path(of name: String, isCredential: Bool) -> String {
        if name.hasPrefix("/") { return name }
        let path = "\(folder)/\(name)"
        guard isCredential, !name.contains("/") else { return path }
        let paths = (credentials.map { ["\($0)/\(name)"] } ?? []) + [path, "\(folder)/credentials/\(name)"]
        return paths.first(where: FileManager.default.fileExists) ?? path
    }

    /// A path as an absolute one.
    static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        let folder = FileManager.default.currentDirectoryPath
        return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
    }
}
