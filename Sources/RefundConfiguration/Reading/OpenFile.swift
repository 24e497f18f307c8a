import Glibc
package import RefundCore

/// A file open for reading.
///
/// Its owner, mode and content belong to one file, even if another file takes its name meanwhile.
package struct OpenFile: ~Copyable {
    private let descriptor: CInt
    /// The owner's user id.
    package let owner: UInt32
    /// The file type and permission bits, see inode(7).
    package let mode: UInt32

    /// Opens a file.
    package init(path: String) throws(SystemError) {
        // The system would cut the name off at the NUL.
        guard !path.utf8.contains(0) else { throw SystemError(code: ENOENT) }
        // Without O_NONBLOCK, opening a pipe would wait for a writer.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw SystemError(code: errno) }
        var status = stat()
        // Reading, in contrast, must wait for a pipe's writer.
        guard unsafe fstat(descriptor, &status) == 0, fcntl(descriptor, F_SETFL, 0) == 0 else {
            let error = SystemError(code: errno)
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        (owner, mode) = (status.st_uid, status.st_mode)
    }

    deinit { close(descriptor) }

    /// Reads the file to its end, or until it exceeds a limit.
    package func bytes(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        // In chunks, since a pipe has no size.
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
