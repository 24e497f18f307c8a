/// Where a queue is on a PostgreSQL server.
package struct PostgresSettings: Sendable {
    /// libpq's parameters in order, where later ones win; a `dbname` may be a whole connection string.
    package var parameters: [(name: String, value: String)]
    /// The schema that has refundd's tables.
    package var schema: String
    /// The queue's location without secrets, as messages name it.
    package var location: String

    /// Creates settings.
    ///
    /// - Parameters:
    ///   - parameters: libpq's parameters.
    ///   - schema: The schema.
    ///   - location: The queue's location without secrets.
    package init(parameters: [(name: String, value: String)], schema: String = "refundd", location: String) {
        self.parameters = parameters
        self.schema = schema
        self.location = location
    }

    // A dead peer is noticed within half a minute, instead of the two hours that are the system's default.
    private static let defaults: [(name: String, value: String)] = [
        ("application_name", "refundd"), ("target_session_attrs", "read-write"), ("keepalives_idle", "10"),
        ("keepalives_interval", "5"), ("keepalives_count", "3"), ("tcp_user_timeout", "15000"),
        ("client_encoding", "UTF8"),
    ]

    /// The parameters of a connection.
    var connection: [(name: String, value: String)] { Self.defaults + parameters }

    /// What a new connection begins with.
    ///
    /// A prepared statement is planned once, for any parameters. The planner would expect a claim to take a tenth of all
    /// refunds, and read the whole table: as with SQLite's `INDEXED BY`, it must use the indexes that are there for it.
    var setup: String {
        """
        SET search_path = \(quotedSchema), pg_temp;
        SET lock_timeout = '5s';
        SET idle_in_transaction_session_timeout = '5s';
        SET statement_timeout = '60s';
        SET client_min_messages = warning;
        SET plan_cache_mode = force_generic_plan;
        SET enable_seqscan = off;
        SET enable_hashjoin = off;
        SET enable_mergejoin = off;
        SET enable_bitmapscan = off;
        SET enable_sort = off;
        SET jit = off
        """
    }

    /// The schema's name as an identifier.
    var quotedSchema: String { "\"\(schema.replacing("\"", with: "\"\""))\"" }
}
