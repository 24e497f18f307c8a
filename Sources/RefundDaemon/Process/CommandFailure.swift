package import RefundStoreSQLite

/// Why a command or the daemon ends without doing what was asked, with the messages for standard error.
package struct CommandFailure: Error, Sendable {
    /// How the process ends.
    package var status: ExitStatus
    /// One line each.
    package var messages: [String]

    /// Creates a failure.
    package init(_ status: ExitStatus, _ messages: [String]) {
        self.status = status
        self.messages = messages
    }

    /// Creates the failure that an error of the database leads to.
    package init(_ error: StoreError) {
        if case .alreadyServed = error {
            self.init(.alreadyServed, [error.description])
        } else {
            self.init(.database, [error.description])
        }
    }
}
