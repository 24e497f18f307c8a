/// How a command ends, by the numbers of sysexits.h where it has one.
package enum ExitStatus: Int32, Sendable {
    /// Done.
    case done = 0
    /// The thing asked for failed.
    case failed = 1
    /// The command line cannot be understood, or names more than one refund.
    case usage = 64
    /// There is no such refund.
    case noSuchRefund = 66
    /// The gateway cannot be asked.
    case unavailable = 69
    /// The database cannot be used.
    case database = 74
    /// Another daemon serves the database.
    case alreadyServed = 75
    /// The configuration, a key or a secret is wrong.
    case configuration = 78
}
