import Foundation
import RefundConfiguration

/// Reads a key, a secret or a certificate that the configuration names.
enum CredentialFile {
    /// Larger files are none of the kinds that are read here.
    private static let sizeLimit = 65_536

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - key: The configuration's key that names it, for the message.
    /// - Returns: Its bytes.
    /// - Throws: `CredentialProblem` with the file, the key and what to change.
    static func bytes(of path: String, key: String) throws(CredentialProblem) -> [UInt8] {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CredentialProblem(key: key, path: path, problem: "the file does not exist")
        }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw CredentialProblem(key: key, path: path, problem: "the file cannot be read by this user")
        }
        let data: Data
        do {
            data = try handle.read(upToCount: sizeLimit + 1) ?? Data()
        } catch {
            throw CredentialProblem(key: key, path: path, problem: "this is a folder or no readable file")
        }
        guard data.count <= sizeLimit else {
            throw CredentialProblem(key: key, path: path, problem: "the file is larger than \(sizeLimit) bytes")
        }
        return [UInt8](data)
    }
}

/// What is wrong with a file that the configuration names.
struct CredentialProblem: Error, Hashable, Sendable, CustomStringConvertible {
    var key: String
    var path: String
    var problem: String

    var description: String {
        "\(key): \(path): \(problem)"
    }
}
