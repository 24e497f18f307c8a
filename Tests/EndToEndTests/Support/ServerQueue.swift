import Foundation
import RefundPostgresSupport

/// The stores that a test runs on.
enum TestedStores {
    /// SQLite alone: the test is about its files, or speaks its dialect.
    case file
    /// The one that `TEST_STORE` names, else SQLite.
    case every

    /// Whether this run is about PostgreSQL.
    static let isServerSelected = ProcessInfo.processInfo.environment["TEST_STORE"] == "postgres"
}

/// A database of one test's own on the PostgreSQL server of this run.
struct ServerQueue {
    let server: PostgresServer
    /// What takes over if the server is lost; nil for nothing.
    let standby: PostgresServer?
    /// Through which refundd reaches the server; nil for nothing.
    let pooler: PgBouncer?
    let name: String

    /// Creates an empty database.
    ///
    /// - Parameters:
    ///   - server: The server; nil for the one that all tests share.
    ///   - standby: A server that follows it; nil for none.
    ///   - pooler: Through which refundd reaches the server; nil for nothing.
    /// - Throws: An error if the server does not start, or cannot create it.
    init(on server: PostgresServer? = nil, standby: PostgresServer? = nil, behind pooler: PgBouncer? = nil) throws {
        self.server = try server ?? PostgresServer.shared()
        self.standby = standby
        self.pooler = pooler
        name = self.server.uniqueName()
        try self.server.execute("CREATE DATABASE \(name)")
    }

    /// What `[database] url` names.
    var url: String {
        if let pooler { return "postgresql:///\(name)?host=\(pooler.folder)&user=postgres" }
        return "postgresql:///\(name)?host=\(folders)&user=postgres" + port("&port=")
    }

    /// What an application's libpq needs to find refundd's tables on the primary.
    var place: String {
        "host=\(folders)\(port(" port=")) dbname=\(name) user=postgres target_session_attrs=read-write"
            + " options='-c search_path=public,refundd'"
    }

    private var folders: String { ([server.folder] + (standby.map { [$0.folder] } ?? [])).joined(separator: ",") }

    private func port(_ name: String) -> String { server.port.map { "\(name)\($0)" } ?? "" }

    /// The arguments of `psql` for statements whose rows, if there are any, are wanted as JSON.
    func arguments(_ sql: String) -> [String] {
        let isQuery = ["SELECT", "WITH"].contains { sql.hasPrefix($0) }
        let all = isQuery ? "SELECT coalesce(json_agg(row), '[]') FROM (\(sql)) row" : sql
        return ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", all, place]
    }
}
