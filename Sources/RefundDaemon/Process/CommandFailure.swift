package import RefundConfiguration
package import RefundStore

/// The failure of a command or of the daemon.
package struct CommandFailure: Error, Sendable {
    /// The exit status.
    package var status: ExitStatus
    /// The messages for standard error, one line each.
    package var messages: [String]

    /// Creates a failure.
    package init(_ status: ExitStatus, _ messages: [String]) {
        self.status = status
        self.messages = messages
    }

    /// Creates the failure for a configuration that cannot be used.
    package init(_ error: ConfigurationError) {
        self.init(.configuration, error.problems.map(\.description))
    }

    /// Creates the failure for an error of the database.
    package init(_ error: StoreError) {
        self.init(error.kind == .alreadyServed ? .alreadyServed : .database, [error.description])
    }
}

/// The exit statuses, taken from sysexits.h where it defines one.
package enum ExitStatus: Int32, Sendable {
    /// The operation failed.
    case failed = 1
    /// The command line is wrong, or names more than one refund.
    case usage = 64
    /// There is no such refund.
    case noSuchRefund = 66
    /// The gateway is unavailable.
    case unavailable = 69
    /// The database cannot be used.
    case database = 74
    /// Another daemon serves the database.
    case alreadyServed = 75
    /// The configuration, a key or a secret is wrong.
    case configuration = 78
}
