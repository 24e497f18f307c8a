import Glibc
import RefundPayCloud

@testable import RefundConfiguration
@testable import RefundCore
@testable import RefundHTTP
@testable import RefundWebhooks

extension FuzzTarget {
    /// A URL: libcurl connects to the host and port that were vetted, and the endpoint's name reveals nothing else.
    static let url = FuzzTarget(name: "url") { input throws(Finding) in
        let text = String(decoding: input, as: UTF8.self)
        let endpoint = HTTPURL.endpoint(of: text)
        guard let url = try? HTTPURL(text) else {
            return try hold(endpoint == "invalid URL", "\(endpoint) reveals nothing of an invalid URL")
        }
        let isEndpoint = endpoint.wholeMatch(of: #/https?://([a-z0-9._-]+|\[[0-9a-f:.]+\]):[0-9]+/#) != nil
        try hold(isEndpoint && endpoint == url.endpoint, "\(endpoint) is a scheme, a host and a port")
        try holdLeadsTo(url, text)
    }

    /// The URL of a gateway: refund data goes to the named machine only, and without TLS only to this one.
    static let gatewayURL = FuzzTarget(name: "gateway-url") { input throws(Finding) in
        let text = String(decoding: input, as: UTF8.self)
        let files = FileLocator(file: "/f", environment: [:])
        let read = { (text: String) in try? ValueType<String>.gatewayURL.read(.variable(text), files) }
        guard let url = try? HTTPURL(text), let entrance = read(text) else { return }
        try hold(read(entrance) == entrance, "a URL that was read reads the same")
        try holdLeadsTo(url, entrance)
        if let call = try? GatewayURL.query(at: entrance) {
            try hold((try? GatewayURL.query(at: call)) == call, "the URL of the call is a URL of the gateway")
            try holdLeadsTo(url, call)
        }
        let isLocal = ["localhost", "[::1]"].contains("\(url.host)") || "\(url.host)".hasPrefix("127.")
        try hold(url.scheme == .https || isLocal, "nothing leaves this machine without TLS")
    }

    /// An entry of `allow_hosts`.
    static let allowedHost = FuzzTarget(name: "allowed-host") { input throws(Finding) in
        let text = String(decoding: input, as: UTF8.self)
        guard let entry = try? AllowedHost(text) else { return }
        try hold((try? AllowedHost(text.uppercased())) == entry, "letter case does not matter")
        try hold((try? AllowedHost("\(entry)")) == entry, "\(entry) is read as the same entry")
    }

    /// An IP address: the system reads the same, it prints back, and its other spellings are classified alike.
    static let address = FuzzTarget(name: "address") { input throws(Finding) in
        let text = String(decoding: input, as: UTF8.self)
        let address = IPAddress(text)
        try hold(address == systemAddress(text), "inet_pton reads the same")
        guard let address else { return }
        try hold(IPAddress("\(address)") == address, "\(address) is read as the same address")
        guard address.isIPv4 else { return }
        let policy = ReceiverPolicy(allowHosts: [])
        for other in ["::ffff:\(address)", "64:ff9b::\(address)", "::\(address)"]
        where policy.problem(with: "https://\(address)/") != nil {
            try hold(policy.problem(with: "https://[\(other)]/") != nil, "\(other) is refused, as \(address) is")
        }
    }

    private static func holdLeadsTo(_ url: HTTPURL, _ text: String) throws(Finding) {
        guard let target = try? RequestTarget(text) else { throw Finding(description: "libcurl rejects the URL") }
        let read = try? HTTPURL("\(url.scheme)://\(target.authority)")
        try hold(read?.endpoint == url.endpoint, "libcurl connects to \(target.authority) for \(url.endpoint)")
    }

    private static func systemAddress(_ text: String) -> IPAddress? {
        // A C string would end at the NUL.
        guard !text.utf8.contains(0) else { return nil }
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if unsafe inet_pton(family, text, &bytes) == 1 { return IPAddress(bytes: bytes) }
        }
        return nil
    }
}
