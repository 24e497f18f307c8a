import Glibc

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
    /// Protection and content are those of one open file, whatever happens to its name meanwhile.
    ///
    /// - Parameter path: The file.
    /// - Throws: `CredentialFileError` in words.
    init(path: String) throws(CredentialFileError) {
        // Without O_NONBLOCK, opening a pipe would wait for somebody to write to it.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw CredentialFileError.lastFailure() }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw CredentialFileError.lastFailure() }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw CredentialFileError(description: "this is a folder or no regular file")
        }
        protection = FileProtection(owner: status.st_uid, mode: status.st_mode)
        bytes = try Self.bytes(of: descriptor)
    }

    private static func bytes(of descriptor: CInt) throws(CredentialFileError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= sizeLimit {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw CredentialFileError.lastFailure() }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
        throw CredentialFileError(description: "the file is larger than \(sizeLimit) bytes")
    }
}

/// Why a file cannot be read; never what is in it.
struct CredentialFileError: Error, Hashable, Sendable, CustomStringConvertible {
    let description: String

    fileprivate static func lastFailure() -> CredentialFileError {
        switch errno {
        case ENOENT, ENOTDIR: CredentialFileError(description: "the file does not exist")
        case EACCES, EPERM: CredentialFileError(description: "the file cannot be read by this user")
        default: CredentialFileError(description: "the file cannot be read: \(unsafe String(cString: strerror(errno)))")
        }
    }
}
