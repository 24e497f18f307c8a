/// Why the service manager could not be told something.
///
/// The service goes on without it, so this is for a log and never a reason to stop.
package enum NotifyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The address in `$NOTIFY_SOCKET` is none that a datagram can be sent to.
    case badAddress(String)
    /// A system call failed.
    case failed(call: String, errno: Int32)

    /// One sentence for a log.
    package var description: String {
        switch self {
        case .badAddress(let address):
            "the service manager cannot be told: $NOTIFY_SOCKET is \"\(escapedForTerminal(address))\", "
                + "which is neither an absolute path nor an abstract name (@…) of at most 107 bytes"
        case .failed(let call, let errno):
            "the service manager cannot be told: \(call) on $NOTIFY_SOCKET: \(words(forErrorNumber: errno))"
        }
    }
}
