extension Kind where Value == String {
    /// The address of a gateway, read as the exact address that queries are posted to.
    static var gatewayAddress: Kind {
        .text(
            "an address",
            example: "https://open.n-age.co.jp",
            show: WebAddress.shown,
            read: { (text) throws(Refusal) in try WebAddress.gateway(text) },
            write: { $0 }
        )
    }

    /// The address of a webhook.
    static var webhookAddress: Kind {
        .text(
            "an address",
            example: "https://shop.example/hooks/refunds",
            show: WebAddress.shown,
            read: { (text) throws(Refusal) in
                let address = try WebAddress(text)
                return address.origin + address.path + address.query
            },
            write: { $0 }
        )
    }

    /// A host, an address or a network.
    static var allowedHost: Kind {
        .text(
            "a host",
            example: "127.0.0.1:8080",
            show: WebAddress.shown,
            read: { (text) throws(Refusal) in try AllowedHost.checked(text) },
            write: { $0 }
        )
    }
}

extension Kind where Value == ListenAddress {
    /// An address to listen at.
    static var listenAddress: Kind {
        .text(
            "a host and a port",
            example: "127.0.0.1:9464",
            read: { (text) throws(Refusal) in
                let address = try HostAndPort(text, ports: 0...65_535)
                guard let port = address.port else {
                    throw Refusal("has no port", "write a host and a port, such as \"127.0.0.1:9464\"")
                }
                return ListenAddress(host: address.host, port: port)
            },
            write: \.description
        )
    }
}
