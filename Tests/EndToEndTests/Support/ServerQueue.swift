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
    let name: String

    /// Creates an empty database.
    ///
    /// - Parameter server: The server; nil for the one that all tests share.
    /// - Throws: An error if the server does not start, or cannot create it.
    init(on server: PostgresServer? = nil) throws {
        self.server = try server ?? PostgresServer.shared()
        name = self.server.uniqueName()
        try self.server.execute("CREATE DATABASE \(name)")
    }

    /// What `[database] url` names.
    var url: String { "postgresql:///\(name)?host=\(server.folder)&user=postgres" + port("&port=") }

    /// What `psql` needs to find refundd's tables as an application does.
    var place: String {
        "host=\(server.folder)\(port(" port=")) dbname=\(name) user=postgres options='-c search_path=public,refundd'"
    }

    private func port(_ name: String) -> String { server.port.map { "\(name)\($0)" } ?? "" }

    /// The arguments of `psql` for statements whose rows, if there are any, are wanted as JSON.
    func arguments(_ sql: String) -> [String] {
        let isQuery = ["SELECT", "WITH"].contains { sql.hasPrefix($0) }
        let all = isQuery ? "SELECT coalesce(json_agg(row), '[]') FROM (\(sql)) row" : sql
        return ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", all, place]
    }
}
