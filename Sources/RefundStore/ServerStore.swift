/// A kind of store on servers, of which the URL in `[database]` names one.
///
/// The composition root lists them all, and asks the one that the URL's scheme belongs to.
package protocol ServerStore: Sendable {
    /// What its URLs begin with, such as `postgresql://`; messages name the first.
    var schemes: [String] { get }

    /// Reads and checks a server's URL; does not connect.
    ///
    /// A URL must not hold a password: it is shown in messages and by `ps`, and copied along with a configuration.
    ///
    /// - Parameter server: The server.
    /// - Returns: The provider of the queue on it, whose location names the server without anything secret.
    /// - Throws: `StoreError.unusableURL`.
    func provider(of server: QueueServer) throws(StoreError) -> any StoreProvider
}

/// A server, as the configuration describes it.
package struct QueueServer: Sendable {
    /// The URL, which nothing has checked but its scheme.
    package var url: String
    /// The schema of refundd's tables.
    package var schema: String
    /// Returns the absolute path of a file that the URL names.
    package var file: @Sendable (String) -> String = { $0 }
    /// Returns the password, or nil for none; called for every new connection, since passwords change.
    package var password: @Sendable () -> Result<String?, StoreError> = { .success(nil) }

    /// Creates a description of a server whose files have absolute paths, and which asks for no password.
    package init(url: String, schema: String) {
        self.url = url
        self.schema = schema
    }
}

extension StoreError {
    /// The error for a server's URL that cannot be used.
    ///
    /// - Parameter reason: The problem and its fix, in one line, without the URL, which may hold a password.
    /// - Returns: The error, which names the key.
    package static func unusableURL(_ reason: String) -> StoreError {
        StoreError(.cannotOpen, location: "database.url", reason: reason, description: "database.url: \(reason)")
    }
}
