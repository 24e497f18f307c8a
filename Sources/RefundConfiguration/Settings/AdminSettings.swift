/// The `[admin]` section: what the operator sees over HTTP.
package struct AdminSettings: Hashable, Sendable {
    /// The address that `/metrics`, `/healthz` and `/readyz` are served at, or nil for none.
    package var listen: ListenAddress? = ListenAddress(host: "127.0.0.1", port: 9464)

    /// Creates the default settings.
    package init() {}
}

/// An address to listen at.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// The host name or IP address; an IPv6 address without its brackets.
    package var host: String
    /// The port, from 0 to 65535; 0 lets the system choose one.
    package var port: Int

    /// Creates an address.
    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// The address as the configuration writes it, such as `127.0.0.1:9464` or `[::1]:9464`.
    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
