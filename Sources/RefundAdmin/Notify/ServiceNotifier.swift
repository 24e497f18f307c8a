/// What tells the service manager how the daemon is doing.
///
/// Each message is one datagram to `$NOTIFY_SOCKET`; where the variable is unset nobody wants to know and nothing is
/// sent. A message that cannot be sent is returned as an error for the log and otherwise without consequence.
///
/// Source: <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>.
package struct ServiceNotifier: Sendable {
    private let address: String?

    /// How often the service manager expects ``watchdog()``, or nil when it does not.
    ///
    /// Half of this is a good interval.
    /// Source: <https://www.freedesktop.org/software/systemd/man/latest/sd_watchdog_enabled.html>.
    package let watchdogTimeout: Duration?

    /// Creates a notifier from the process's environment.
    package init(environment: [String: String]) {
        let address = environment["NOTIFY_SOCKET"] ?? ""
        self.address = address.isEmpty ? nil : address
        let isOurs = environment["WATCHDOG_PID"].map { $0 == "\(ownProcessIdentifier())" } ?? true
        watchdogTimeout = environment["WATCHDOG_USEC"].flatMap { Int64($0) }.flatMap { microseconds in
            isOurs && microseconds > 0 ? .microseconds(microseconds) : nil
        }
    }

    /// Tells that the start or a reload of the configuration is complete.
    @discardableResult
    package func ready() -> NotifyError? {
        send("READY=1")
    }

    /// Tells that the configuration is being read again; ``ready()`` must follow, whatever came of it.
    @discardableResult
    package func reloading() -> NotifyError? {
        send("RELOADING=1\nMONOTONIC_USEC=\(monotonicMicroseconds())")
    }

    /// Tells that the daemon is ending.
    @discardableResult
    package func stopping() -> NotifyError? {
        send("STOPPING=1")
    }

    /// Tells in words what the daemon is doing, for `systemctl status`.
    @discardableResult
    package func status(_ text: String) -> NotifyError? {
        // A line break would begin another assignment.
        send("STATUS=\(escapedForTerminal(text))")
    }

    /// Says what a start is doing, and asks for more time to do it.
    ///
    /// - Parameters:
    ///   - text: What the start is doing, for `systemctl status`.
    ///   - time: How much longer the service manager should wait, from now.
    @discardableResult
    package func starting(_ text: String, extendingTimeoutBy time: Duration) -> NotifyError? {
        send("STATUS=\(escapedForTerminal(text))\nEXTEND_TIMEOUT_USEC=\(time.components.seconds * 1_000_000)")
    }

    /// Tells that the daemon is alive.
    @discardableResult
    package func watchdog() -> NotifyError? {
        send("WATCHDOG=1")
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
