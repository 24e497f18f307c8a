import CLinux
import Glibc
package import RefundCore

/// Tells the service manager how the daemon is doing.
///
/// Each message is one datagram to `$NOTIFY_SOCKET`; without the variable nothing is sent. An error is only returned,
/// for the log.
///
/// Source: <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>.
package struct ServiceNotifier: Sendable {
    private let address: String?

    /// The time within which the service manager expects the next ``watchdog()``; nil if it expects none.
    ///
    /// Half of it is a good interval.
    /// Source: <https://www.freedesktop.org/software/systemd/man/latest/sd_watchdog_enabled.html>.
    package let watchdogTimeout: Duration?

    /// Creates a notifier from the process's environment.
    package init(environment: [String: String]) {
        let address = environment["NOTIFY_SOCKET"] ?? ""
        self.address = address.isEmpty ? nil : address
        let isOurs = environment["WATCHDOG_PID"].map { $0 == "\(getpid())" } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        watchdogTimeout = isOurs && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// Reports that the start, or a reload, is complete.
    @discardableResult
    package func ready() -> NotifyError? {
        send("READY=1")
    }

    /// Reports that a reload has begun; ``ready()`` must follow, whether it succeeds or not.
    @discardableResult
    package func reloading() -> NotifyError? {
        send("RELOADING=1\nMONOTONIC_USEC=\(Self.monotonicMicroseconds())")
    }

    /// Reports that the daemon is stopping.
    @discardableResult
    package func stopping() -> NotifyError? {
        send("STOPPING=1")
    }

    /// Sets the status text that `systemctl status` shows.
    @discardableResult
    package func status(_ text: String) -> NotifyError? {
        // A line break would start another assignment.
        send("STATUS=\(escapedForTerminal(text))")
    }

    /// Reports what a start is doing, and asks for more time to do it.
    ///
    /// - Parameters:
    ///   - text: What the start is doing, for `systemctl status`.
    ///   - time: How much longer the service manager should wait, from now.
    /// - Returns: Why the message could not be sent, or nil.
    @discardableResult
    package func starting(_ text: String, extendingTimeoutBy time: Duration) -> NotifyError? {
        send("STATUS=\(escapedForTerminal(text))\nEXTEND_TIMEOUT_USEC=\(time.components.seconds * 1_000_000)")
    }

    /// Reports that the daemon is alive.
    @discardableResult
    package func watchdog() -> NotifyError? {
        send("WATCHDOG=1")
    }

    /// The monotonic clock, which counts from the machine's start.
    package static func monotonicMicroseconds() -> Int64 {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
    }

    private func send(_ message: String) -> NotifyError? {
        guard let address else { return nil }
        do throws(NotifyError) {
            try sendDatagram(Array(message.utf8), to: address)
            return nil
        } catch {
            return error
        }
    }
}

/// Why a message did not reach the service manager.
package enum NotifyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `$NOTIFY_SOCKET` is not the address of a Unix socket.
    case badAddress(String)
    /// A system call failed.
    case failed(call: String, SystemError)

    /// One sentence for a log.
    package var description: String {
        switch self {
        case .badAddress(let address):
            "cannot notify the service manager: $NOTIFY_SOCKET is \"\(escapedForTerminal(address))\", "
                + "expected an absolute path or an abstract name (@…) of at most 107 bytes"
        case .failed(let call, let error): "cannot notify the service manager: \(call) on $NOTIFY_SOCKET: \(error)"
        }
    }
}

/// Sends one datagram to a Unix socket.
///
/// - Parameters:
///   - message: The bytes.
///   - address: An absolute path, or `@` and an abstract name.
/// - Throws: `NotifyError` if there is no such address or nobody takes the datagram.
private func sendDatagram(_ message: [UInt8], to address: String) throws(NotifyError) {
    guard let socketAddress = UnixSocketAddress(address) else { throw .badAddress(address) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .failed(call: "socket", SystemError()) }
    defer { close(descriptor) }

    // A service manager that does not read must not hold up the daemon for long.
    var timeout = timeval(tv_sec: 2, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    guard unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, size) == 0 else {
        throw .failed(call: "setsockopt", SystemError())
    }
    guard socketAddress.send(message, on: descriptor) == message.count else {
        throw .failed(call: "sendto", SystemError())
    }
}
