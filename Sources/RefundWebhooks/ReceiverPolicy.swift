package import RefundCore

/// Decides which receivers may get webhooks.
///
/// Callback URLs come from outside, so a webhook must not become a way into the daemon's own network (server-side
/// request forgery,
/// <https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html>):
///
/// - Over `https://`, every ordinary internet address is allowed.
/// - Any other address, and any address over `http://`, is allowed only if an entry of `allow_hosts` names the URL's
///   host or the address.
/// - Link-local, metadata, multicast and unspecified addresses are never allowed.
///
/// The HTTP client resolves names and asks the policy about each address right before it connects, so a name that
/// changes its addresses gains nothing. Open connections are not vetted again: an HTTP client serves one policy for its
/// whole life, and a new policy needs a new client.
package struct ReceiverPolicy: Sendable {
    private let allowHosts: [AllowedHost]

    /// Creates a policy.
    ///
    /// - Parameter allowHosts: The entries of `[webhook] allow_hosts`.
    package init(allowHosts: [AllowedHost]) {
        self.allowHosts = allowHosts
    }

    /// Checks whether a webhook could ever be delivered to a URL, without resolving its host.
    ///
    /// - Parameter url: The URL from the configuration or from an application.
    /// - Returns: The reason, without the URL's path, query or user info; nil if delivery may be possible.
    package func problem(with url: String) -> String? {
        do throws(HTTPURLError) {
            return refusal(of: try HTTPURL(url))
        } catch {
            return error.description
        }
    }

    /// Checks whether a webhook could be delivered to a URL whose host has the given addresses.
    ///
    /// - Parameters:
    ///   - url: The URL from the configuration or from an application.
    ///   - addresses: The addresses that its host resolves to.
    /// - Returns: The reason why no address is allowed, without the URL's path, query or user info; nil if one is.
    package func problem(with url: String, addresses: [IPAddress]) -> String? {
        do throws(HTTPURLError) {
            let url = try HTTPURL(url)
            let refusals = addresses.map { refusal(of: $0, port: url.port, for: url) }
            return refusals.contains(nil) ? nil : refusals.first ?? nil
        } catch {
            return error.description
        }
    }

    /// Returns why a URL is refused whatever addresses its host has; nil if that depends on the addresses.
    func refusal(of url: HTTPURL) -> String? {
        switch url.host {
        case .address(let address):
            return refusal(of: address, port: url.port, for: url)
        case .name(let name):
            guard url.scheme == .http, !mayAllow(name, port: url.port) else { return nil }
            return "plain http to \(name):\(url.port); use https, or add \(entry(for: url)) to [webhook] allow_hosts"
        }
    }

    /// Checks a connection to an address.
    ///
    /// An IPv6 address that embeds an IPv4 address must be allowed both as itself and as the address it embeds.
    ///
    /// - Parameters:
    ///   - address: The address to connect to.
    ///   - port: The port to connect to.
    ///   - url: The URL whose host resolved to the address.
    /// - Returns: Why the connection is refused; nil if it is allowed.
    func refusal(of address: IPAddress, port: UInt16, for url: HTTPURL) -> String? {
        let unmapped = address.unmapped
        let candidates = [unmapped] + unmapped.embedded
        func refusal(of one: IPAddress, _ reason: String) -> String {
            "refused address \(one)\(one == address ? "" : " (as \(address))"): \(reason)"
        }
        // Forbidden ranges come first, so that no message suggests an entry that cannot help.
        for one in candidates {
            if case .forbidden(let purpose) = AddressClass(one) {
                return refusal(of: one, "\(purpose); never allowed")
            }
        }
        for one in candidates where !allowHosts.contains(where: { $0.allows(one, port: port, host: url.host) }) {
            let entry = entry(for: url, one)
            if case .restricted(let purpose) = AddressClass(one) {
                return refusal(of: one, "\(purpose); add \(entry) to [webhook] allow_hosts to allow it")
            }
            if url.scheme == .http {
                return refusal(of: one, "plain http; use https, or add \(entry) to [webhook] allow_hosts")
            }
        }
        return nil
    }

    // The narrowest entry that helps, as it is written in the configuration: the name stays right if its address changes.
    private func entry(for url: HTTPURL, _ address: IPAddress? = nil) -> String {
        let host: Host = if case .address = url.host, let address { .address(address) } else { url.host }
        return "\"\(host):\(url.port)\""
    }

    /// Returns whether an entry could allow a name, depending on the addresses it resolves to.
    private func mayAllow(_ name: HostName, port: UInt16) -> Bool {
        allowHosts.contains { entry in
            guard entry.port == nil || entry.port == port else { return false }
            return switch entry.target {
            case .name(let allowed): allowed == name
            case .range: true
            }
        }
    }
}
