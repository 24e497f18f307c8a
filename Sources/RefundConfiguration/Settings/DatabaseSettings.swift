/// The `[database]` section: where the queue is.
package struct DatabaseSettings: Hashable, Sendable {
    /// The absolute path of the SQLite file.
    package var path = "/var/lib/refundd/refundd.db"

    /// Creates the default settings.
    package init() {}
}
