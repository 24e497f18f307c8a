import RefundPostgres
import RefundStore
import Synchronization

/// A store's connection, made when it is needed, and used by one call at a time.
final class Session: @unchecked Sendable {
    private static let connectTimeout: Duration = .seconds(10)

    private static let lookTimeout: Duration = .seconds(10)

    private let settings: PostgresSettings
    private let interruption = Interruption()
    private let turn = Mutex<Void>(())
    // Only used during a turn.
    private var connection: PostgresConnection?
    private var isClosed = false

    init(_ settings: PostgresSettings) {
        self.settings = settings
    }

    /// Runs a body with the connection; a broken one is replaced by a new one the next time.
    ///
    /// - Throws: What the body throws, or a `PostgresError` if there is no connection.
    func use<Result>(_ body: (PostgresConnection) throws -> Result) throws -> Result {
        var outcome: Swift.Result<Result, any Error>?
        turn.withLock { _ in
            outcome = Swift.Result { try body(try current()) }
            if connection?.isBroken == true { connection = nil }
        }
        guard let outcome else { throw PostgresError(.disconnected, "the connection was not used") }
        return try outcome.get()
    }

    private func current() throws(PostgresError) -> PostgresConnection {
        if isClosed { throw PostgresError(.disconnected, "it was closed") }
        if let connection { return connection }
        let new = try connect(interruption)
        try Positions.follow(new, settings, until: .now.advanced(by: Self.lookTimeout))
        connection = new
        return new
    }

    /// Makes a connection of its own.
    func connect(_ interruption: Interruption = Interruption()) throws(PostgresError) -> PostgresConnection {
        let deadline = ContinuousClock.now.advanced(by: Self.connectTimeout)
        let connection = try PostgresConnection(settings.connection, until: deadline, interruption)
        try connection.execute(settings.setup, until: deadline)
        return connection
    }

    /// Makes the current call fail, from another thread.
    func interrupt() { interruption.interrupt() }

    /// Closes the connection for good.
    func close() {
        turn.withLock { _ in
            isClosed = true
            connection = nil
        }
    }
}
