import Glibc
import Synchronization

/// Writes whole lines to a descriptor, one write(2) each, and never fails or waits for long.
///
/// A descriptor whose reader stalls is waited for once; from then on lines are counted and dropped until it takes
/// output again, and then a line tells how many are missing.
final class LineWriter: Sendable {
    private let descriptor: Int32
    private let patience: Int32
    private let lossNotice: @Sendable (Int) -> String
    private let lost = Mutex(0)

    /// Creates a writer.
    ///
    /// - Parameters:
    ///   - descriptor: Where lines go; it stays the caller's.
    ///   - patience: How long to wait for a descriptor that takes no output, in milliseconds.
    ///   - lossNotice: The line that tells how many lines were dropped.
    init(_ descriptor: Int32, patience: Int32 = 250, lossNotice: @escaping @Sendable (Int) -> String) {
        self.descriptor = descriptor
        self.patience = patience
        self.lossNotice = lossNotice
    }

    /// Writes a line, which has its end already.
    @Sendable
    func write(_ line: String) {
        lost.withLock { lost in
            let patience = lost == 0 ? self.patience : 0
            if lost > 0 {
                guard put(lossNotice(lost), within: 0) else {
                    lost += 1
                    return
                }
                lost = 0
            }
            guard !put(line, within: patience) else { return }
            lost += 1
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

/// The number of standard error.
let standardErrorDescriptor: Int32 = 2

/// What identifies the file behind a descriptor, as `$JOURNAL_STREAM` writes it; nil when it is closed.
func deviceAndInode(of descriptor: Int32) -> String? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    return "\(status.st_dev):\(status.st_ino)"
}

/// Opens `/dev/null` under each number of 0, 1 and 2 that is closed.
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
