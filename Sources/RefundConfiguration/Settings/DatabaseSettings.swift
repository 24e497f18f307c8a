/// The `[database]` section: where the queue is.
public struct DatabaseSettings: Hashable, Sendable {
    /// The absolute path of the SQLite file.
    public var path = "/var/lib/refundd/refundd.db"

    /// Creates the default settings.
    public init() {}
}
