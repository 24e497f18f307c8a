import RefundCore
package import RefundPostgres
package import RefundPostgresSupport
package import RefundStore
import RefundStoreConformance
package import RefundStorePostgres
import Synchronization

/// A PostgreSQL queue in a schema of its own, with an application's connection to it.
package final class PostgresFixture: StoreFixture {
    /// Where the queue is.
    package let settings: PostgresSettings
    /// The daemon's connection.
    package let postgres: PostgresStore
    package var store: any QueueStore { postgres }
    /// An application's connection.
    package let application: PostgresConnection
    private let server: PostgresServer

    /// Creates an empty queue.
    ///
    /// - Parameters:
    ///   - server: The server, or nil for the one that all tests share.
    ///   - pooler: Through which the daemon reaches it; nil for none.
    /// - Throws: An error if the server does not start, or the queue cannot be created.
    package init(on server: PostgresServer? = nil, behind pooler: PgBouncer? = nil) throws {
        let server = try server ?? PostgresServer.shared()
        self.server = server
        let schema = server.uniqueName()
        settings = PostgresSettings(
            parameters: (pooler?.parameters ?? server.parameters) + [("application_name", schema)],
            schema: schema,
            location: "postgresql://test/\(schema)"
        )
        postgres = try PostgresStore(settings)
        try postgres.migrate(at: Timestamp(milliseconds: 1_790_000_000_000))
        application = try Self.connect(to: server, schema)
    }

    /// The connection of another daemon, or of a later life of it.
    package func openStore() throws -> any QueueStore { try PostgresStore(settings) }

    /// Another connection of an application.
    package func connect() throws -> PostgresConnection { try Self.connect(to: server, settings.schema) }

    private static func connect(to server: PostgresServer, _ schema: String) throws -> PostgresConnection {
        let connection = try server.connect()
        try connection.execute(
            "SET search_path = \"$user\", public, \(schema)",
            until: .now.advanced(by: .seconds(30))
        )
        return connection
    }

    deinit {
        postgres.close()
    }

    package func execute(_ sql: String) throws {
        try application.execute(sql, until: .now.advanced(by: .seconds(30)))
    }

    package func reject(_ writes: String, of table: String, when condition: String?, _ message: String) throws {
        let (schema, filter) = (settings.schema, condition.map { "WHEN (\($0))" } ?? "")
        try execute(
            """
            CREATE FUNCTION \(schema).shop() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE EXCEPTION '\(message)'; END $$;
            CREATE TRIGGER shop BEFORE \(writes) ON \(table) FOR EACH ROW \(filter) EXECUTE FUNCTION \(schema).shop()
            """
        )
    }

    package func removeGuard(_ name: String, of table: String) throws {
        try execute("DROP TRIGGER \(name) ON \(table)")
    }

    package func rows(_ sql: String) throws -> [[String?]] {
        var rows: [[String?]] = []
        try application.execute(sql, until: .now.advanced(by: .seconds(30))) { row in
            rows.append((0..<row.columnCount).map { _ in row.text() })
        }
        return rows
    }

    package func whileLocked(_ body: () throws -> Void) throws {
        try execute("BEGIN; LOCK TABLE refund_queue IN EXCLUSIVE MODE")
        defer { try? execute("ROLLBACK") }
        try body()
    }
}
