import Glibc
import RefundConfiguration
import RefundCore

/// A key, a secret or a certificate as it was found on disk.
struct CredentialFile {
    /// Larger than the bundle of all the authorities that systems trust, and little enough to read at once.
    private static let sizeLimit = 1 << 20

    /// The content.
    let bytes: [UInt8]
    /// Who else may read or write it.
    let protection: FileProtection

    /// Reads a file.
    ///
    /// - Parameter path: The file.
    /// - Throws: `CredentialFileError` in words.
    init(path: String) throws(CredentialFileError) {
        do throws(SystemError) {
            let file = try OpenFile(path: path)
            protection = FileProtection(owner: file.owner, mode: file.mode)
            // Nobody knows how long another kind of file would take.
            bytes = file.mode & S_IFMT == S_IFREG ? try file.bytes(limit: Self.sizeLimit) : []
        } catch {
            throw CredentialFileError(error)
        }
        guard protection.mode & S_IFMT == S_IFREG else {
            throw CredentialFileError(description: "this is a folder or no regular file")
        }
        guard bytes.count <= Self.sizeLimit else {
            throw CredentialFileError(description: "the file is larger than \(Self.sizeLimit) bytes")
        }
    }
}

/// Why a file cannot be read; never what is in it.
struct CredentialFileError: Error, Hashable, Sendable, CustomStringConvertible {
    let description: String
}

extension CredentialFileError {
    fileprivate init(_ error: SystemError) {
        switch error.code {
        case ENOENT, ENOTDIR: self.init(description: "the file does not exist")
        case EACCES, EPERM:
            self.init(description: "the file cannot be read by user \(geteuid()); give it to that user with chown")
        default: self.init(description: "the file cannot be read: \(error)")
        }
    }
}
