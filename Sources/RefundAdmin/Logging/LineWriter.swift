import Glibc
import Synchronization

/// Writes whole lines to a descriptor, one write(2) each, and neither fails nor waits for long.
///
/// It waits once for a descriptor whose reader stalls. From then on it counts and drops lines until the descriptor is
/// writable again, and then reports how many it dropped.
final class LineWriter: Sendable {
    private let descriptor: Int32
    private let patience: Int32
    private let lossNotice: @Sendable (Int) -> String
    private let lost = Mutex(0)

    /// Creates a writer.
    ///
    /// - Parameters:
    ///   - descriptor: Where lines go; the caller keeps it.
    ///   - patience: The wait for a descriptor that is not writable, in milliseconds.
    ///   - lossNotice: The line that reports how many lines were dropped.
    init(_ descriptor: Int32, patience: Int32 = 250, lossNotice: @escaping @Sendable (Int) -> String) {
        self.descriptor = descriptor
        self.patience = patience
        self.lossNotice = lossNotice
    }

    /// Writes a line that includes its line break.
    @Sendable
    func write(_ line: String) {
        lost.withLock { lost in
            let patience = lost == 0 ? self.patience : 0
            if lost > 0, put(lossNotice(lost), within: 0) { lost = 0 }
            if lost > 0 || !put(line, within: patience) { lost += 1 }
        }
    }

    private func put(_ line: String, within patience: Int32) -> Bool {
        var rest = Array(line.utf8)[...]
        while !rest.isEmpty {
            guard isWritable(within: patience) else { return false }
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno != EINTR {
                return false
            }
        }
        return true
    }

    private func isWritable(within patience: Int32) -> Bool {
        var descriptors = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let count = unsafe poll(&descriptors, 1, patience)
        return count == 1 && descriptors.revents == Int16(POLLOUT)
    }
}

/// The descriptor of standard error.
let standardErrorDescriptor: Int32 = 2

/// The device and inode of the file behind a descriptor, in the form of `$JOURNAL_STREAM`; nil if it is closed.
func deviceAndInode(of descriptor: Int32) -> String? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    return "\(status.st_dev):\(status.st_ino)"
}

/// Opens `/dev/null` under each of the numbers 0, 1 and 2 that is closed.
func fillStandardDescriptors() {
    for descriptor in 0...standardErrorDescriptor where fcntl(descriptor, F_GETFD) < 0 {
        // The lowest free number is this one: those below it are open by now.
        _ = unsafe open("/dev/null", O_RDWR)
    }
}

/// Makes a write to a pipe or socket without a reader fail with an error instead of ending the process.
func ignoreBrokenPipes() {
    _ = signal(SIGPIPE, SIG_IGN)
}
