import Glibc
import RefundConfiguration
import RefundCore
import RefundStore
import RefundWebhooks

/// Checks that the default receiver of webhooks can be reached at all.
struct ReceiverCheck {
    let webhook: WebhookSettings

    private var policy: ReceiverPolicy { ReceiverPolicy(allowHosts: webhook.allowHosts) }

    /// Returns why no webhook could ever be delivered to the configured URL, as far as that is known without a resolver.
    func offlineProblem() -> String? {
        guard let url = webhook.url else { return nil }
        if let problem = policy.problem(with: url) { return problem }
        // The name means this machine, whatever a resolver says. Source: RFC 6761, section 6.3.
        guard case .name(let name)? = (try? HTTPURL(url))?.host,
            name.description == "localhost" || name.description.hasSuffix(".localhost")
        else { return nil }
        return policy.problem(with: url, addresses: ["127.0.0.1", "::1"].compactMap { IPAddress($0) })
    }

    /// Resolves the host of the configured URL and judges its addresses.
    ///
    /// - Parameters:
    ///   - connects: Whether to connect, too, without sending anything.
    ///   - refusals: The endpoints that accept no webhook, whether or not they accept connections.
    /// - Returns: The finding, which never contains the URL's path; nil without a URL.
    func onlineFinding(connects: Bool = false, refusals: [EndpointRefusal] = []) -> Finding? {
        let finding = onlineFinding(connects)
        guard let finding, finding.gravity == .fine,
            let refusal = refusals.first(where: { finding.subject == "receiver \($0.endpoint)" })
        else { return finding }
        let attempts = refusal.attempts.counted("attempt", "attempts")
        let text = "\(finding.text), but has accepted none of the last \(attempts) (\(refusal.reason.asClause))"
        return Finding(.note, finding.subject, text)
    }

    private func onlineFinding(_ connects: Bool) -> Finding? {
        guard let url = webhook.url, let parsed = try? HTTPURL(url) else { return nil }
        let subject = "receiver \(parsed.endpoint)"
        guard case .name(let name) = parsed.host else {
            guard connects, case .address(let address) = parsed.host, offlineProblem() == nil else { return nil }
            return connection(to: [address], parsed) ?? Finding(.fine, subject, "accepts connections")
        }
        let addresses = Self.addresses(of: name.description)
        guard !addresses.isEmpty else {
            let command = "getent ahosts \(name.description)"
            return Finding(.problem, subject, "its name cannot be resolved; check webhook.url", run: command)
        }
        guard let problem = policy.problem(with: url, addresses: addresses) else {
            let refusal = connects ? connection(to: addresses, parsed) : nil
            let text = connects ? "its address is allowed, and it accepts connections" : "its address is allowed"
            return refusal ?? Finding(.fine, subject, text)
        }
        return Finding(.problem, subject, problem)
    }

    // Connects to one address after the other until one accepts.
    private func connection(to addresses: [IPAddress], _ url: HTTPURL) -> Finding? {
        var reason = "no address"
        for address in addresses {
            guard let error = TCPProbe.problem("\(address)", port: url.port) else { return nil }
            reason = error
        }
        let text = "port \(url.port) does not accept connections (\(reason)); start the receiver, or check webhook.url"
        return Finding(.problem, "receiver \(url.endpoint)", text, run: "refundd redeliver --pending")
    }

    private static func addresses(of name: String) -> [IPAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(name, nil, &hints, &found) == 0 else { return [] }
        defer { unsafe freeaddrinfo(found) }
        var addresses: [IPAddress] = []
        var next = unsafe found
        while let entry = unsafe next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = unsafe entry.pointee.ai_addrlen
            if unsafe getnameinfo(entry.pointee.ai_addr, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
                == 0
            {
                let numeric = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                // The zone is not part of the address.
                if let address = IPAddress(numeric.prefix { $0 != "%" }) { addresses.append(address) }
            }
            unsafe next = entry.pointee.ai_next
        }
        return addresses
    }
}

/// Connects to a port for a moment.
private enum TCPProbe {
    // In milliseconds; a firewall may answer nothing at all.
    private static let timeout: Int32 = 3_000

    /// Connects, sends nothing, and closes the connection.
    ///
    /// - Parameters:
    ///   - address: The numeric address.
    ///   - port: The port.
    /// - Returns: Why nobody accepts the connection; nil if somebody does.
    static func problem(_ address: String, port: UInt16) -> String? {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(address, "\(port)", &hints, &found) == 0 else { return "it is no address" }
        defer { unsafe freeaddrinfo(found) }
        guard let entry = unsafe found?.pointee else { return "it is no address" }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = unsafe socket(entry.ai_family, kind, 0)
        guard descriptor >= 0 else { return "\(SystemError())" }
        defer { close(descriptor) }
        if unsafe connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 { return nil }
        guard errno == EINPROGRESS else { return "\(SystemError())" }
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&poller, 1, timeout) > 0 else { return "no answer within \(timeout / 1_000)s" }
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else { return "\(SystemError())" }
        return code == 0 ? nil : "\(SystemError(code: code))"
    }
}
