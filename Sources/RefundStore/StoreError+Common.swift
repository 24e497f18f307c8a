extension StoreError {
    /// Creates an error about a database.
    ///
    /// - Parameters:
    ///   - kind: The kind of error.
    ///   - location: The database.
    ///   - reason: The bare cause.
    ///   - predicate: What follows `the database LOCATION`, with the remedy.
    package init(_ kind: Kind, _ location: String, _ reason: String, database predicate: String) {
        self.init(kind, location: location, reason: reason, description: "the database \(location) \(predicate)")
    }

    // MARK: - What both stores say

    /// A newer refundd migrated the database.
    package static func newerSchema(_ location: String, migration: some BinaryInteger) -> StoreError {
        let text = "has migration \(migration), which this refundd does not know; install a newer refundd"
        return StoreError(.newerSchema, location, "migration \(migration)", database: text)
    }

    /// The database has no queue.
    package static func notInitialised(_ location: String) -> StoreError {
        let text = "has no queue yet; start the daemon or run refundd init to create one"
        return StoreError(.notInitialised, location, "no queue", database: text)
    }

    /// A guard, trigger or constraint rejected a row.
    package static func rejected(_ location: String, _ reason: String) -> StoreError {
        StoreError(.rejected, location: location, reason: reason, description: "the database rejected a row: \(reason)")
    }

    /// The tables lack something that refundd relies on.
    package static func altered(_ location: String, _ problem: String) -> StoreError {
        let text =
            "refundd's tables in the database \(location) are not as it made them: \(problem); undo the change, or restore a"
            + " backup"
        return StoreError(.failed, location: location, reason: problem, description: text)
    }
}
