import Glibc
package import RefundCore

/// A file that is open for reading: what is known of it and what is read are of one file, whatever becomes of its name.
package struct OpenFile: ~Copyable {
    private let descriptor: CInt
    /// The owner's number.
    package let owner: UInt32
    /// The kind of file and its permission bits, see inode(7).
    package let mode: UInt32

    /// Opens a file.
    ///
    /// - Parameter path: Its path.
    /// - Throws: The system's reason.
    package init(path: String) throws(SystemError) {
        // The system would take the part before the NUL for the name.
        guard !path.utf8.contains(0) else { throw SystemError(code: ENOENT) }
        // Without O_NONBLOCK, opening a pipe would wait for somebody to write to it.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw SystemError(code: errno) }
        var status = stat()
        // Whoever has opened the pipe to write may take his time.
        guard unsafe fstat(descriptor, &status) == 0, fcntl(descriptor, F_SETFL, 0) == 0 else {
            let error = SystemError(code: errno)
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        (owner, mode) = (status.st_uid, status.st_mode)
    }

    deinit { close(descriptor) }

    /// Reads it.
    ///
    /// - Parameter limit: The most bytes that are wanted.
    /// - Returns: Everything, or more bytes than wanted where there are more.
    /// - Throws: The system's reason.
    package func bytes(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        // Read piece by piece, since a pipe does not know its size.
        while bytes.count <= limit {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SystemError(code: errno) }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }
}
