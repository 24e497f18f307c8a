/// The rule which receivers webhooks may be sent to.
///
/// Callback URLs come from outside, so a webhook must not become a way into the network that the daemon stands in
/// (server-side request forgery,
/// <https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html>):
///
/// - Over `https://`, every ordinary address of the internet is allowed.
/// - Any other address, and `http://` to any address at all, is allowed where an entry of `allow_hosts` names the
///   URL's host or the address.
/// - Link-local, metadata, multicast and unspecified addresses are never allowed.
///
/// A name is looked up by the HTTP client, which asks for each address right before it connects to it, so that a name
/// that changes its addresses meanwhile gains nothing. Connections that are kept open are not asked for again: an
/// HTTP client serves one policy for all its life, and another policy needs another client.
package struct ReceiverPolicy: Sendable {
    private let entries: [AllowedReceiver]

    /// Creates a policy.
    ///
    /// - Parameter allowHosts: The entries of `[webhook] allow_hosts`: a host name, an IPv4 or an IPv6 address, each
    ///   with or without a port, or a block of addresses.
    /// - Throws: What is wrong with the first entry that cannot be read.
    package init(allowHosts: [String]) throws(ReceiverPolicyError) {
        var entries: [AllowedReceiver] = []
        for text in allowHosts {
            entries.append(try AllowedReceiver(text))
        }
        self.entries = entries
    }

    /// Says why nothing can ever be delivered to a URL, as far as that is known without looking its host up.
    ///
    /// - Parameter url: The URL as it is configured or was given by an application.
    /// - Returns: What is wrong, in words, or nil.
    package func problem(with url: String) -> String? {
        do throws(ReceiverURLError) {
            return refusal(of: try ReceiverURL(url))
        } catch {
            return error.description
        }
    }

    /// Says why a URL is refused whatever its host's addresses may be.
    func refusal(of url: ReceiverURL) -> String? {
        switch url.host {
        case .address(let address):
            return refusal(of: address, port: url.port, for: url)
        case .name(let name):
            let canBeNamed = entries.contains { entry in
                guard entry.port == nil || entry.port == url.port else { return false }
                return switch entry.target {
                case .host(let allowed): allowed == name
                case .range: true
                }
            }
            guard url.scheme == .http, !canBeNamed else { return nil }
            return "plain http to \(name):\(url.port); use https, or name it in [webhook] allow_hosts"
        }
    }

    /// Says why no connection may be made to an address.
    ///
    /// An IPv6 address that embeds an IPv4 address must be allowed as what it is and as what it embeds.
    ///
    /// - Parameters:
    ///   - address: The address that would be connected to.
    ///   - port: The port that would be connected to.
    ///   - url: The URL whose host led to the address.
    /// - Returns: The reason, in words, or nil when the address is allowed.
    func refusal(of address: IPAddress, port: UInt16, for url: ReceiverURL) -> String? {
        let unmapped = address.unmapped
        let judged = [unmapped] + unmapped.embedded
        func refusal(of one: IPAddress, _ reason: String) -> String {
            "refused address \(one)\(one == address ? "" : " (as \(address))"): \(reason)"
        }
        // First what no entry can help against, so that nobody is told to write one.
        for one in judged {
            if case .barred(let purpose) = AddressStanding(one) { return refusal(of: one, "\(purpose); never allowed") }
        }
        for one in judged where !names(one, port: port, for: url) {
            if case .special(let purpose) = AddressStanding(one) {
                return refusal(of: one, "\(purpose); name it in [webhook] allow_hosts")
            }
            if url.scheme == .http {
                return refusal(of: one, "plain http; use https, or name it in [webhook] allow_hosts")
            }
        }
        return nil
    }

    private func names(_ address: IPAddress, port: UInt16, for url: ReceiverURL) -> Bool {
        entries.contains { entry in
            guard entry.port == nil || entry.port == port else { return false }
            return switch entry.target {
            case .host(let name): url.host == .name(name)
            case .range(let range): range.contains(address)
            }
        }
    }
}
