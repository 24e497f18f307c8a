package import RefundConfiguration
package import RefundStore
import RefundStorePostgres
import RefundStoreSQLite

/// The stores that refundd knows; nothing else names one of them.
package enum StoreProviders: Sendable {
    /// Returns the provider of the queue that a configuration names.
    package static func provider(for database: DatabaseSettings) -> any StoreProvider {
        guard let url = database.url else { return SQLiteProvider(path: database.path) }
        let settings = PostgresSettings(url, schema: database.schema) { [file = database.passwordFile] in
            guard let file else { return .success(nil) }
            return DatabasePassword.read(file).map(\.self)
        }
        return PostgresProvider(settings)
    }

    /// Returns the provider of a queue in a file, such as a backup.
    package static func provider(forFile path: String) -> any StoreProvider {
        SQLiteProvider(path: path)
    }
}
