package import RefundStore

/// Where a queue is on a PostgreSQL server, and how to connect to it.
package struct PostgresSettings: Sendable {
    /// libpq's parameters of each server, in the order in which they are tried.
    package var servers: [[(name: String, value: String)]]
    /// The schema that has refundd's tables.
    package var schema: String
    /// The queue's location without secrets, as messages name it.
    package var location: String
    /// The `sslmode` that verifies no server although some are reached over a network; nil if each is verified.
    package private(set) var unverifiedMode: String?
    /// How long to wait for each server.
    package var connectTimeout = Self.defaultConnectTimeout
    /// Returns the password, or nil for none; called for every new connection, since passwords change.
    package var password: @Sendable () -> Result<String?, StoreError> = { .success(nil) }

    /// Creates settings for one server.
    ///
    /// - Parameters:
    ///   - parameters: libpq's parameters.
    ///   - schema: The schema.
    ///   - location: The queue's location without secrets.
    package init(parameters: [(name: String, value: String)], schema: String = "refundd", location: String) {
        servers = [parameters]
        self.schema = schema
        self.location = location
    }

    /// Creates settings for the servers of a URL.
    ///
    /// - Parameters:
    ///   - url: The URL.
    ///   - schema: The schema.
    ///   - password: Returns the password, or nil for none.
    package init(
        _ url: PostgresURL,
        schema: String,
        password: @escaping @Sendable () -> Result<String?, StoreError> = { .success(nil) }
    ) {
        let shared = Self.parameters(of: url)
        servers = url.servers.map { server in
            [("host", server.host), ("hostaddr", server.address), ("port", server.port)].compactMap { name, value in
                value.map { (name: name, value: $0) }
            } + shared
        }
        if let mode = url.parameters["sslmode"], !mode.hasPrefix("verify-"), !url.servers.allSatisfy(\.isLocal) {
            unverifiedMode = mode
        }
        self.schema = schema
        location = schema == "refundd" ? url.description : "\(url), schema \(schema)"
        if let timeout = url.connectTimeout { connectTimeout = timeout }
        self.password = password
    }

    private static let defaultConnectTimeout: Duration = .seconds(5)

    // A dead peer is noticed within half a minute, instead of the two hours that are the system's default. Kerberos,
    // which libpq tries first, would cost an idle daemon memory.
    private static let defaults: [(name: String, value: String)] = [
        ("application_name", "refundd"), ("target_session_attrs", "read-write"), ("keepalives_idle", "10"),
        ("keepalives_interval", "5"), ("keepalives_count", "3"), ("tcp_user_timeout", "15000"),
        ("client_encoding", "UTF8"), ("gssencmode", "disable"),
    ]

    // What a file parameter's name "system" means to libpq from version 16; older ones need the file. Source:
    // update-ca-certificates(8).
    private static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    // By default, libpq verifies nothing.
    private static func parameters(of url: PostgresURL) -> [(name: String, value: String)] {
        var parameters = url.parameters
        let mode = parameters["sslmode"] ?? (url.servers.allSatisfy(\.isLocal) ? "prefer" : "verify-full")
        parameters["sslmode"] = mode
        if mode.hasPrefix("verify-"), parameters["sslrootcert", default: "system"] == "system" {
            parameters["sslrootcert"] = systemAuthorities
        }
        parameters["user"] = url.user
        parameters["dbname"] = url.database
        return parameters.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }

    /// The parameters of a connection to one of the servers.
    func connection(to server: [(name: String, value: String)], _ password: String?) -> [(name: String, value: String)]
    {
        Self.defaults + server + (password.map { [(name: "password", value: $0)] } ?? [])
    }

    /// The query that gives a session its settings, or one transaction, at its beginning.
    ///
    /// A prepared statement is planned once, for any parameters. The planner would expect a claim to take a tenth of all
    /// refunds, and read the whole table: as with SQLite's `INDEXED BY`, it must use the indexes that are there for it.
    ///
    /// - Parameter isLocal: Whether the settings end with the transaction.
    /// - Returns: The query.
    func setup(isLocal: Bool) -> String {
        let settings = [
            ("search_path", "\(quotedSchema), pg_temp"), ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "5s"), ("statement_timeout", "60s"),
            ("client_min_messages", "warning"), ("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"), ("enable_mergejoin", "off"), ("enable_bitmapscan", "off"),
            ("enable_sort", "off"), ("jit", "off"),
        ]
        let calls = settings.map { name, value in
            "set_config('\(name)', '\(value.replacing("'", with: "''"))', \(isLocal))"
        }
        return "SELECT \(calls.joined(separator: ", "))"
    }

    /// The schema's name as an identifier.
    var quotedSchema: String { schema.asIdentifier }
}
