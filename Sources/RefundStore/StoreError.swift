/// An error of a store, described in one sentence with its remedy.
package struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of errors, by the names that metrics and tests use.
    package enum Kind: String, Sendable, CaseIterable {
        /// The database cannot be opened or created.
        case cannotOpen = "cannot_open"
        /// Another process holds the database.
        case busy
        /// Another daemon serves this database.
        case alreadyServed = "already_served"
        /// A newer refundd migrated the database.
        case newerSchema = "newer_schema"
        /// An older refundd created the queue, and it has not been migrated.
        case olderSchema = "older_schema"
        /// Objects with names that begin with `refund_` are not refundd's.
        case namesTaken = "names_taken"
        /// The database has no queue.
        case notInitialised = "not_initialised"
        /// A queue that was served before is gone.
        case missing
        /// A guard, trigger or constraint rejected a row.
        case rejected
        /// The disk is full.
        case full
        /// The database cannot be written.
        case readOnly = "read_only"
        /// The database is damaged.
        case damaged
        /// The database was deleted or replaced while it was in use.
        case lost
        /// The database is an older copy of the one that was served.
        case restored
        /// One of the application's own objects in the database, such as a trigger, failed.
        case application
        /// Any other failure.
        case failed
    }

    /// The kind of error.
    package let kind: Kind
    /// The database, or the one of its files that the error concerns.
    package let location: String
    /// The bare cause, such as a guard's message.
    package let reason: String
    /// The whole sentence, with the remedy.
    package let description: String

    /// Creates an error; each store words its own remedies.
    package init(_ kind: Kind, location: String, reason: String, description: String) {
        self.kind = kind
        self.location = location
        self.reason = reason
        self.description = description
    }

    /// Whether retrying can only make it worse, so that the daemon must stop.
    ///
    /// The contents of a damaged database cannot be trusted: a daemon that went on might settle refunds wrongly and
    /// overwrite data that could still be rescued. Writes to a lost file vanish with the process. A restored copy waits
    /// for an operator.
    package var isFatal: Bool { kind == .damaged || kind == .lost || kind == .restored }
}
