extension HTTPClient {
    /// What is the same for all requests of a client.
    package struct Settings: Sendable {
        /// The greatest number of connections, idle ones included, and so of exchanges at a time.
        package var maxConnections: Int
        /// The greatest number of connections to one host and port.
        package var maxConnectionsPerHost: Int
        /// The name of the client's thread, of which Linux shows 15 bytes.
        package var name: String
        /// The value of the `User-Agent` field.
        package var userAgent: String
        /// The part of a request's timeout that resolving and connecting, TLS included, may take; `nil` for all of it.
        package var connectTimeout: Duration?
        /// Where the certificate authorities of the system are found.
        var trustStore = TrustStore.system

        /// Creates settings.
        ///
        /// - Parameters:
        ///   - maxConnections: The greatest number of connections; less than 1 counts as 1.
        ///   - maxConnectionsPerHost: The greatest number of connections to one host; less than 1 counts as 1.
        ///   - name: The name of the client's thread.
        ///   - userAgent: The value of the `User-Agent` field.
        ///   - connectTimeout: The time that connecting may take.
        package init(
            maxConnections: Int,
            maxConnectionsPerHost: Int,
            name: String,
            userAgent: String,
            connectTimeout: Duration? = nil
        ) {
            self.maxConnections = maxConnections
            self.maxConnectionsPerHost = maxConnectionsPerHost
            self.name = name
            self.userAgent = userAgent
            self.connectTimeout = connectTimeout
        }

        /// The directory that stands for the system's certificate authorities, for tests of the two together.
        package var trustedDirectory: String? {
            get { trustStore.directory }
            set { trustStore = TrustStore(directory: newValue, bundle: nil) }
        }

        /// The bound on connections; libcurl takes 0 for "no bound".
        var connectionBound: Int { max(maxConnections, 1) }

        /// The bound on connections to one host.
        var hostConnectionBound: Int { max(maxConnectionsPerHost, 1) }
    }
}
