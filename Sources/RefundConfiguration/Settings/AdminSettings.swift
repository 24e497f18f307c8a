/// The `[admin]` section: what the operator sees over HTTP.
public struct AdminSettings: Hashable, Sendable {
    /// The address that `/metrics`, `/healthz` and `/readyz` are served at, or nil for none.
    public var listen: ListenAddress? = ListenAddress(host: "127.0.0.1", port: 9464)

    /// Creates the default settings.
    public init() {}
}

/// An address to listen at.
public struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// The host name or IP address; an IPv6 address without its brackets.
    public var host: String
    /// The port, from 0 to 65535; 0 lets the system choose one.
    public var port: Int

    /// Creates an address.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// The address as the configuration writes it, such as `127.0.0.1:9464` or `[::1]:9464`.
    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
