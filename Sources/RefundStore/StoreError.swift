/// Why a store cannot be used, in one sentence that says what to change.
package struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of errors, in words that metrics and tests use.
    package enum Kind: String, Sendable {
        /// The database cannot be opened or created.
        case cannotOpen = "cannot_open"
        /// Another process holds the database.
        case busy
        /// Another daemon serves this database.
        case alreadyServed = "already_served"
        /// A newer refundd migrated the database.
        case newerSchema = "newer_schema"
        /// An older refundd made the queue, and it was not brought up to date.
        case olderSchema = "older_schema"
        /// Names that begin with `refund_` belong to somebody else.
        case namesTaken = "names_taken"
        /// The database has no queue.
        case notInitialised = "not_initialised"
        /// The queue is gone that was served before.
        case missing
        /// A guard, trigger or constraint rejected a row.
        case rejected
        /// There is no room left.
        case full
        /// The database cannot be written.
        case readOnly = "read_only"
        /// The database is damaged.
        case damaged
        /// The database was deleted or replaced while it was in use.
        case lost
        /// Something of the application's own in the database stands in the way.
        case application
        /// Any other failure.
        case failed
    }

    /// What kind of error it is.
    package let kind: Kind
    /// The database, or the file of it that the error is about.
    package let location: String
    /// The cause on its own, such as a guard's message.
    package let reason: String
    /// The whole sentence, with what to change.
    package let description: String

    /// Creates an error; each store words its own remedies.
    package init(_ kind: Kind, location: String, reason: String, description: String) {
        self.kind = kind
        self.location = location
        self.reason = reason
        self.description = description
    }

    /// Whether trying again can only make it worse, so that the daemon must stop.
    ///
    /// The contents of a damaged database mean nothing: a daemon that went on might settle what is not settled, and
    /// overwrite what could still be rescued. What is written to a lost file is gone with the process.
    package var isFatal: Bool { kind == .damaged || kind == .lost }
}
