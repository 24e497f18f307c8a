package import RefundStore

/// Stores on PostgreSQL servers.
package struct PostgresServers: ServerStore {
    package let schemes = PostgresURL.schemes

    package init() {}

    package func provider(of server: QueueServer) throws(StoreError) -> any StoreProvider {
        PostgresProvider(try Self.settings(of: server))
    }

    /// Reads a server's URL.
    ///
    /// - Throws: `StoreError.unusableURL`.
    static func settings(of server: QueueServer) throws(StoreError) -> PostgresSettings {
        do throws(PostgresURLError) {
            var url = try PostgresURL(server.url)
            for name in PostgresURL.fileParameters {
                // libpq 16 knows the name "system" for the operating system's certificates.
                guard let file = url.parameters[name], !file.isEmpty, file != "system" else { continue }
                url.parameters[name] = server.file(file)
            }
            return PostgresSettings(url, schema: server.schema, password: server.password)
        } catch {
            throw .unusableURL(error.description)
        }
    }
}
