public import RefundStore

/// Why a command or the daemon ends without doing what was asked, with the messages for standard error.
public struct CommandFailure: Error, Sendable {
    /// How the process ends.
    public var status: ExitStatus
    /// One line each.
    public var messages: [String]

    /// Creates a failure.
    public init(_ status: ExitStatus, _ messages: [String]) {
        self.status = status
        self.messages = messages
    }

    /// Creates the failure that an error of the database leads to.
    public init(_ error: StoreError) {
        if case .alreadyServed = error {
            self.init(.alreadyServed, [error.description])
        } else {
            self.init(.database, [error.description])
        }
    }
}
