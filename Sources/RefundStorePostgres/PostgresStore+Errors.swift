import RefundPostgres
import RefundStore

extension StoreError {
    /// Maps any error of a store's calls; an error that is already mapped stays as it is.
    init(_ error: any Error, _ location: String) {
        switch error {
        case let error as StoreError: self = error
        case let error as PostgresError: self.init(error, location)
        default: self = .failed(location, "\(error)")
        }
    }

    /// Whether the error concerns one row: the database rejected it.
    var isOfOneRow: Bool { kind == .rejected }

    private init(_ error: PostgresError, _ location: String) {
        switch error.kind {
        case .refused(let state): self.init(state, error, location)
        case .disconnected: self = .unreachable(location, error.message)
        case .timedOut, .interrupted: self = .failed(location, error.message)
        case .unavailable: self = .withoutLibrary(location, error.message)
        case .unauthorised:
            self.init(.cannotOpen, location: location, reason: error.message, description: error.message)
        }
    }

    private init(_ state: SQLState, _ error: PostgresError, _ location: String) {
        switch (state.family, state.rawValue) {
        case ("22", _), ("23", _), (_, "P0001"): self = .rejected(location, error.message)
        case ("40", _), ("55", _), (_, "57014"): self = .busy(location, error.message)
        case (_, "53100"): self = .full(location)
        case ("53", _): self = .busy(location, error.message)
        case (_, "42P01"), (_, "42703"), (_, "42883"), (_, "3F000"): self = .altered(location, error.message)
        case (_, "42P07"), (_, "42710"), (_, "42723"): self = .namesTaken(location, error.message)
        case ("28", _): self = .unreachable(location, error.message)
        case (_, "42501"): self = .forbidden(location, error.message)
        case (_, "XX001"), (_, "XX002"): self = .damaged(location, error.message)
        default: self = .failed(location, error.description)
        }
    }

    static func unreachable(_ location: String, _ reason: String) -> StoreError {
        let text = "cannot use the database \(location): \(reason); \(ConnectionRemedy(for: reason))"
        return StoreError(.cannotOpen, location: location, reason: reason, description: text)
    }

    static func withoutLibrary(_ location: String, _ reason: String) -> StoreError {
        let text = "cannot load PostgreSQL's library (\(reason)); install the package libpq5"
        return StoreError(.cannotOpen, location: location, reason: reason, description: text)
    }

    static func busy(_ location: String, _ reason: String) -> StoreError {
        let text = "is busy: \(reason); look at pg_stat_activity for what holds it"
        return StoreError(.busy, location, reason, database: text)
    }

    /// Several daemons may serve a server's queue, so only a command keeps one out.
    static func alreadyServed(_ location: String) -> StoreError {
        let text = "is held by another refundd command; wait until it has ended, then start the daemon"
        return StoreError(.alreadyServed, location, "a command holds it", database: text)
    }

    static func olderSchema(_ location: String, migration: Int64) -> StoreError {
        let text =
            "has migration \(migration) of an older refundd; restart the daemon or run refundd init to bring it up to date"
        return StoreError(.olderSchema, location, "migration \(migration)", database: text)
    }

    static func namesTaken(_ location: String, _ reason: String) -> StoreError {
        let text =
            "has objects named refund_... that refundd did not make (\(reason)); rename them, or choose another schema in"
            + " [database] schema"
        return StoreError(.namesTaken, location, reason, database: text)
    }

    static func full(_ location: String) -> StoreError {
        let text = "the disk of the database \(location) is full; free some space on the server"
        return StoreError(.full, location: location, reason: "the disk is full", description: text)
    }

    static func forbidden(_ location: String, _ reason: String) -> StoreError {
        let remedy =
            if reason.contains("for database") {
                "let the role create its schema: GRANT CREATE ON DATABASE … TO …"
            } else if reason.contains("for sequence") {
                "run this as the owner of the schema"
            } else {
                "as the owner of the schema, run refundd init --grant-daemon ROLE"
            }
        return StoreError(.readOnly, location, reason, database: "refuses refundd's role: \(reason); \(remedy)")
    }

    static func damaged(_ location: String, _ reason: String) -> StoreError {
        let text =
            "is damaged (\(reason)); stop every program that uses it, run pg_amcheck, and restore the last good backup"
        return StoreError(.damaged, location, reason, database: text)
    }

    static func failed(_ location: String, _ reason: String) -> StoreError {
        StoreError(.failed, location, reason, database: "failed: \(reason); check the server's log")
    }
}
