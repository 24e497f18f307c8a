package import RefundConfiguration
package import RefundStore
import RefundStoreSQLite

/// The stores that refundd knows; nothing else names one of them.
package enum StoreProviders: Sendable {
    /// Returns the provider of the queue that a configuration names.
    package static func provider(for database: DatabaseSettings) -> any StoreProvider {
        SQLiteProvider(path: database.path)
    }

    /// Returns the provider of a queue in a file, such as a backup.
    package static func provider(forFile path: String) -> any StoreProvider {
        SQLiteProvider(path: path)
    }
}
