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
    /// - Parameters:
    ///   - name: The name as configured.
    ///   - isCredential: Whether a bare name is looked for among the credentials first.
    /// - Returns: The path, whether or not there is a file.
    func path(of name: String, isCredential: Bool) -> String {
        if name.hasPrefix("/") { return name }
        if isCredential, let credentials, !name.contains("/") {
            let path = "\(credentials)/\(name)"
            if FileManager.default.fileExists(atPath: path) { return path }
        }
        return "\(folder)/\(name)"
    }

    /// A path as an absolute one.
    static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        let folder = FileManager.default.currentDirectoryPath
        return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
    }
}
