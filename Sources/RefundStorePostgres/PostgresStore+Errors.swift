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
        StoreError(
            .cannotOpen,
            location: location,
            reason: reason,
            description: "cannot use the database \(location): \(reason); \(ConnectionRemedy(for: reason))"
        )
    }

    static func withoutLibrary(_ location: String, _ reason: String) -> StoreError {
        StoreError(
            .cannotOpen,
            location: location,
            reason: reason,
            description: "cannot load PostgreSQL's library (\(reason)); install the package libpq5"
        )
    }

    static func busy(_ location: String, _ reason: String) -> StoreError {
        StoreError(
            .busy,
            location: location,
            reason: reason,
            description: "the database \(location) is busy: \(reason); look at pg_stat_activity for what holds it"
        )
    }

    static func alreadyServed(_ location: String) -> StoreError {
        StoreError(
            .alreadyServed,
            location: location,
            reason: "another daemon serves it",
            description: "another refundd serves the database \(location); run one daemon per database"
        )
    }

    static func newerSchema(_ location: String, migration: Int64) -> StoreError {
        StoreError(
            .newerSchema,
            location: location,
            reason: "migration \(migration)",
            description: "the database \(location) has migration \(migration), which this refundd does not know;"
                + " install a newer refundd"
        )
    }

    static func olderSchema(_ location: String, migration: Int64) -> StoreError {
        StoreError(
            .olderSchema,
            location: location,
            reason: "migration \(migration)",
            description: "the database \(location) has migration \(migration) of an older refundd; restart the daemon"
                + " or run refundd init to bring it up to date"
        )
    }

    static func namesTaken(_ location: String, _ reason: String) -> StoreError {
        StoreError(
            .namesTaken,
            location: location,
            reason: reason,
            description: "the database \(location) has objects named refund_... that refundd did not make (\(reason));"
                + " rename them, or choose another schema in [database] schema"
        )
    }

    static func notInitialised(_ location: String) -> StoreError {
        StoreError(
            .notInitialised,
            location: location,
            reason: "no queue",
            description: "the database \(location) has no queue yet; start the daemon or run refundd init to create one"
        )
    }

    static func rejected(_ location: String, _ reason: String) -> StoreError {
        StoreError(.rejected, location: location, reason: reason, description: "the database rejected a row: \(reason)")
    }

    static func altered(_ location: String, _ problem: String) -> StoreError {
        StoreError(
            .failed,
            location: location,
            reason: problem,
            description: "somebody changed refundd's tables in the database \(location): \(problem)"
        )
    }

    static func full(_ location: String) -> StoreError {
        StoreError(
            .full,
            location: location,
            reason: "the disk is full",
            description: "the disk of the database \(location) is full; free some space on the server"
        )
    }

    static func forbidden(_ location: String, _ reason: String) -> StoreError {
        StoreError(
            .readOnly,
            location: location,
            reason: reason,
            description: "refundd's role may not do its work in the database \(location): \(reason)"
        )
    }

    static func damaged(_ location: String, _ reason: String) -> StoreError {
        StoreError(
            .damaged,
            location: location,
            reason: reason,
            description: "the database \(location) is damaged (\(reason)); stop every program that uses it, run"
                + " pg_amcheck, and restore the last good backup"
        )
    }

    static func failed(_ location: String, _ reason: String) -> StoreError {
        StoreError(
            .failed,
            location: location,
            reason: reason,
            description: "the database \(location) failed: \(reason); check the server's log"
        )
    }
}
