import CLinux
import Glibc
import Synchronization

/// The journal's socket for entries in its native protocol.
///
/// Source: <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>.
final class JournalSocket: Sendable {
    private let address: UnixSocketAddress
    private let descriptor: Int32
    // Whether the last entry could not be sent. Then the next one does not wait.
    private let isFailing = Mutex(false)

    /// Creates a socket.
    ///
    /// - Parameters:
    ///   - path: The journal's socket.
    ///   - patience: How long to wait for a journal that does not read, in milliseconds.
    init?(path: String = "/run/systemd/journal/socket", patience: Int = 250) {
        guard let address = UnixSocketAddress(path) else { return nil }
        self.address = address
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var timeout = timeval(tv_sec: patience / 1_000, tv_usec: patience % 1_000 * 1_000)
        let size = socklen_t(MemoryLayout<timeval>.size)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, size)
    }

    deinit { close(descriptor) }

    /// Sends an entry; one that is too long for a datagram is sent as a file in memory.
    ///
    /// - Returns: Whether the journal accepted it.
    func send(_ entry: [UInt8]) -> Bool {
        isFailing.withLock { isFailing in
            let flags = Int32(MSG_NOSIGNAL) | (isFailing ? Int32(MSG_DONTWAIT) : 0)
            let isSent = send(entry, flags)
            isFailing = !isSent
            return isSent
        }
    }

    private func send(_ entry: [UInt8], _ flags: Int32) -> Bool {
        let sent = address.send(entry, on: descriptor, flags: flags)
        guard sent < 0, errno == EMSGSIZE || errno == ENOBUFS else { return sent >= 0 }
        let memory = Self.sealedFile(entry)
        guard memory >= 0 else { return false }
        defer { close(memory) }
        return send(descriptor: memory, flags)
    }

    // The journal accepts only a file that nobody can change any more.
    private static func sealedFile(_ content: [UInt8]) -> Int32 {
        // Source: fcntl(2), whose constants Swift does not see: F_ADD_SEALS, and F_SEAL_SEAL, _SHRINK, _GROW, _WRITE.
        let (addSeals, seals): (Int32, Int32) = (1_033, 15)
        let memory = clinux_memory_file()
        guard memory >= 0 else { return -1 }
        var rest = content[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(memory, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        if rest.isEmpty, fcntl(memory, addSeals, seals) == 0 { return memory }
        close(memory)
        return -1
    }

    // An otherwise empty datagram with one control message. Swift does not see the macros of cmsg(3): on 64-bit Linux,
    // its header has 16 bytes, and its length is a multiple of 8.
    private func send(descriptor file: Int32, _ flags: Int32) -> Bool {
        var control = [UInt64](repeating: 0, count: 3)
        let sent = unsafe control.withUnsafeMutableBytes { control in
            unsafe control.storeBytes(of: 20, as: Int.self)
            unsafe control.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: Int32.self)
            unsafe control.storeBytes(of: Int32(SCM_RIGHTS), toByteOffset: 12, as: Int32.self)
            unsafe control.storeBytes(of: file, toByteOffset: 16, as: Int32.self)
            var message = unsafe msghdr()
            unsafe message.msg_control = control.baseAddress
            unsafe message.msg_controllen = control.count
            return unsafe address.withPointer { address, length in
                unsafe message.msg_name = UnsafeMutableRawPointer(mutating: address)
                unsafe message.msg_namelen = length
                return unsafe sendmsg(descriptor, &message, flags)
            }
        }
        return sent >= 0
    }
}
