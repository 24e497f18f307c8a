import CLinux
import Glibc

/// Ends a call on a connection from another thread.
package final class Interruption: Sendable {
    /// Becomes readable with an interruption.
    let descriptor = eventfd(0, CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK))

    /// Creates an interruption that has not happened.
    package init() {}

    deinit {
        close(descriptor)
    }

    /// Makes the current call fail; without one, nothing happens.
    package func interrupt() {
        eventfd_write(descriptor, 1)
    }

    /// Forgets interruptions that came before the current call.
    func reset() {
        var count: eventfd_t = 0
        _ = unsafe eventfd_read(descriptor, &count)
    }
}
