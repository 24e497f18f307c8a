import RefundPostgres
import RefundStore
import Synchronization

/// A store's connection, made when it is needed, and used by one call at a time.
final class Session: @unchecked Sendable {
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

    /// The schema that has the queue; notifications name it.
    var schema: String { settings.schema }

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
        let new = try connect(interruption) { (connection) throws(PostgresError) in
            try Positions.follow(connection, settings, until: .now.advanced(by: Self.lookTimeout))
        }
        connection = new
        return new
    }

    /// Makes a connection of its own to the first server that is the primary.
    ///
    /// Each server gets its own time: libpq itself would wait for one that does not answer, and never try the next.
    ///
    /// - Parameters:
    ///   - interruption: Ends any call on the connection.
    ///   - check: Throws if the server must not be used, such as a former primary; the next one is then tried.
    /// - Returns: The connection.
    /// - Throws: `PostgresError` about every server that was tried.
    func connect(
        _ interruption: Interruption = Interruption(),
        _ check: (PostgresConnection) throws(PostgresError) -> Void = { _ in }
    ) throws(PostgresError) -> PostgresConnection {
        let password = try password()
        var reasons: [String] = []
        for server in settings.servers {
            let deadline = ContinuousClock.now.advanced(by: settings.connectTimeout)
            var isConnected = false
            do throws(PostgresError) {
                let parameters = settings.connection(to: server, password)
                func open() throws(PostgresError) -> PostgresConnection {
                    try PostgresConnection(parameters, until: deadline, interruption)
                }
                let connection = try open()
                isConnected = true
                if try Pooler.sharesSession(of: connection, another: open, until: deadline) {
                    connection.transactionSetup = settings.setup(isLocal: true)
                } else {
                    try connection.execute(settings.setup(isLocal: false), until: deadline)
                }
                try check(connection)
                return connection
            } catch {
                switch error.kind {
                case .disconnected: reasons.append(error.message)
                // A pooler takes a client in, and lets it wait for a session.
                case .timedOut: reasons.append(isConnected ? error.message : Self.timeout(of: server))
                case .interrupted, .refused, .unavailable, .unauthorised: throw error
                }
            }
        }
        throw PostgresError(.disconnected, reasons.joined(separator: "; "))
    }

    private func password() throws(PostgresError) -> String? {
        do throws(StoreError) {
            return try settings.password().get()
        } catch {
            throw PostgresError(.unauthorised, error.description)
        }
    }

    // In libpq's words.
    private static func timeout(of server: [(name: String, value: String)]) -> String {
        func value(_ name: String) -> String? { server.last { $0.name == name }?.value }
        let port = value("port").map { ", port \($0)" } ?? ""
        return "connection to server at \"\(value("host") ?? value("hostaddr") ?? "")\"\(port) failed: timeout expired"
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
