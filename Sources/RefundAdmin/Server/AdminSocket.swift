import Glibc
import RefundCore

/// The Unix socket of the admin address.
enum AdminSocket {
    // For owner and group: a user who may insert refunds may also read about them.
    private static let mode: mode_t = 0o660

    /// Listens on a path; replaces a socket that a server left there and that nobody listens on.
    static func listen(_ path: String) throws(AdminError) -> Int32 {
        let name = "unix:\(path)"
        guard let address = UnixSocketAddress(path) else {
            throw .cannotListen(name, reason: "the path must be absolute and have at most 107 bytes")
        }
        if isSocket(path) {
            guard !isServed(address) else { throw .addressInUse(name) }
            unsafe unlink(path)
        }
        let listener = socket(AF_UNIX, Self.type, 0)
        // The bound socket has the descriptor's mode less the umask, so that nobody else can connect even for a moment.
        guard listener >= 0, fchmod(listener, mode) == 0,
            unsafe address.withPointer({ unsafe bind(listener, $0, $1) }) == 0, unsafe chmod(path, mode) == 0,
            Glibc.listen(listener, 128) == 0
        else {
            let error = AdminError(errno, name)
            close(listener)
            throw error
        }
        return listener
    }

    private static var type: Int32 { Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue) }

    private static func isSocket(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }

    private static func isServed(_ address: UnixSocketAddress) -> Bool {
        let client = socket(AF_UNIX, type, 0)
        defer { close(client) }
        return unsafe address.withPointer({ unsafe connect(client, $0, $1) }) == 0 || errno == EAGAIN
    }
}
