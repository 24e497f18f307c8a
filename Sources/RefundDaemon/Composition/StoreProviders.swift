package import RefundConfiguration
package import RefundStore
import RefundStorePostgres
import RefundStoreSQLite

/// The stores that refundd knows; nothing else names one of them.
package enum StoreProviders: Sendable {
    /// The stores on servers; each has one line here.
    package static let servers: [any ServerStore] = [
        PostgresServers()
    ]

    /// Returns the provider of the queue that a configuration names.
    ///
    /// - Parameters:
    ///   - database: The `[database]` section.
    ///   - servers: The stores on servers, for tests.
    /// - Returns: The provider.
    /// - Throws: `StoreError.unusableURL`; never for the section of a configuration that was read with `urlProblem`.
    package static func provider(
        for database: DatabaseSettings,
        among servers: [any ServerStore] = servers
    ) throws(StoreError) -> any StoreProvider {
        guard let url = database.url else { return SQLiteProvider(path: database.path) }
        guard let store = servers.first(where: { $0.schemes.contains(where: url.hasPrefix) }) else {
            let schemes = servers.compactMap(\.schemes.first).joined(separator: " or ")
            throw .unusableURL("the URL does not start with \(schemes)")
        }
        var server = QueueServer(url: url, schema: database.schema)
        if let files = database.files { server.file = { files.path(of: $0, isCredential: true) } }
        if let file = database.passwordFile { server.password = { DatabasePassword.read(file).map(\.self) } }
        return try store.provider(of: server)
    }

    /// Judges the URL of a server while a configuration is read.
    static let urlProblem: DatabaseURLCheck = { database in
        do throws(StoreError) {
            _ = try provider(for: database)
            return nil
        } catch {
            return error.reason
        }
    }

    /// Returns the provider of a queue in a file, such as a backup.
    package static func provider(forFile path: String) -> any StoreProvider {
        SQLiteProvider(path: path)
    }
}
