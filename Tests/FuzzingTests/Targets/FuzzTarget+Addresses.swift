@testable import RefundConfiguration
@testable import RefundHTTP
@testable import RefundWebhooks

extension FuzzTarget {
    /// The address of a webhook's receiver: what is judged is what libcurl connects to.
    static let receiverURL = FuzzTarget(name: "receiver-url") { input throws(Finding) in
        let text = String(decoding: input, as: UTF8.self)
        guard let url = try? ReceiverURL(text) else {
            return try hold((try? WebAddress(text)) == nil, "the sender can read what the configuration takes")
        }
        guard let target = try? RequestTarget(text) else { throw Finding(description: "libcurl refuses the address") }
        let read = try? ReceiverURL("\(url.scheme)://\(target.authority)")
        try hold(read == url, "libcurl reads the same host and port: \(target.authority) for \(url.endpoint)")
    }

    /// The address of a gateway: secrets of refunds go to the machine that is named, and in clear only to this one.
    static let gatewayURL = FuzzTarget(name: "gateway-url") { input throws(Finding) in
        let text = String(decoding: input, as: UTF8.self)
        guard let address = try? WebAddress(text) else { return }
        let port = address.authority.port ?? (address.isSecure ? 443 : 80)
        let host = address.authority.host
        let ip = RefundWebhooks.IPAddress(host)
        func leadsThere(_ url: String) -> Bool {
            guard let authority = (try? RequestTarget(url)).flatMap({ try? HostAndPort($0.authority) }) else {
                return false
            }
            // libcurl may write an IPv6 address in another way.
            let isSameHost = ip.map { RefundWebhooks.IPAddress(authority.host) == $0 } ?? (authority.host == host)
            return isSameHost && authority.port == port
        }
        try hold(leadsThere(text), "libcurl reads the same host and port")
        guard let entrance = try? WebAddress.gateway(text) else { return }
        try hold(
            (try? WebAddress.gateway(entrance)) == entrance,
            "the address of the call is an address of the gateway"
        )
        try hold(leadsThere(entrance), "the call goes to the same machine")
        let isLocal = host == "localhost" || ip?.description == "::1" || ip?.bytes.first == 127
        try hold(address.isSecure || isLocal, "without TLS nothing leaves this machine")
    }

    /// An entry of `allow_hosts`, and a host with a port.
    static let allowedHost = FuzzTarget(name: "allowed-host") { input throws(Finding) in
        let text = String(decoding: input, as: UTF8.self)
        if let entry = try? AllowedHost.checked(text) {
            let allowed = try? AllowedReceiver(entry)
            try hold(allowed != nil, "the sender can read what the configuration takes")
            try hold((try? AllowedReceiver(text)) == allowed, "letter case does not matter")
        }
        guard let authority = try? HostAndPort(text) else { return }
        let again = try? HostAndPort(authority.text)
        try hold(again?.host == authority.host && again?.port == authority.port, "it prints back to the same")
    }

    /// An IP address: both readers agree, it prints back, and another spelling of it is judged alike.
    static let address = FuzzTarget(name: "address") { input throws(Finding) in
        let text = String(decoding: input, as: UTF8.self)
        let address = RefundWebhooks.IPAddress(text)
        try hold(RefundConfiguration.IPAddress(text)?.bytes == address?.bytes, "both readers agree")
        guard let address else { return }
        try hold(RefundWebhooks.IPAddress(address.description) == address, "\(address) prints back to the same")
        guard address.isIPv4, let policy = try? ReceiverPolicy(allowHosts: []) else { return }
        let plain = policy.problem(with: "https://\(address)/")
        for other in ["::ffff:\(address)", "64:ff9b::\(address)", "::\(address)"] where plain != nil {
            try hold(policy.problem(with: "https://[\(other)]/") != nil, "\(other) is refused, as \(address) is")
        }
    }
}
