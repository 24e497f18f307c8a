import RefundCore
import RefundStore

/// The password of a database's role, in a file of its own.
enum DatabasePassword {
    /// The key that names the file.
    static let key = "database.password_file"

    /// Reads the password for a new connection.
    ///
    /// From then on, other programs cannot read this process's memory.
    ///
    /// - Parameter path: The file.
    /// - Returns: The password, or an error that names the key, the file and the remedy, and never quotes the content.
    static func read(_ path: String) -> Result<String, StoreError> {
        var reason: String?
        var loader = CredentialLoader(isForDaemon: false)
        do throws(CommandFailure) {
            try ProcessMemory.hide()
            let password = loader.read(path, key: key, .secrecy) { try parse($0) }
            if let password, loader.problems.isEmpty { return .success(password) }
            reason = loader.problems.first?.description
        } catch {
            reason = error.messages.first
        }
        let problem = reason ?? key
        return .failure(StoreError(.cannotOpen, location: path, reason: problem, description: problem))
    }

    /// Reads the content of the file: the password, with or without the end of its line.
    static func parse(_ bytes: [UInt8]) throws(CredentialFileError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CredentialFileError(description: "the file is not UTF-8 text")
        }
        let lines = text.split(whereSeparator: \.isNewline)
        guard lines.count == 1, !text.utf8.contains(0) else {
            let problem = lines.isEmpty ? "the file is empty" : "the file has several lines"
            throw CredentialFileError(description: "\(problem); put the password alone into it")
        }
        return String(lines[0])
    }
}
