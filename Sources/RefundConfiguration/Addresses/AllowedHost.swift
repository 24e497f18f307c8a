/// An entry of `webhook.allow_hosts`: a host, an address, either with a port, or a network.
enum AllowedHost {
    /// Checks an entry.
    ///
    /// - Returns: The entry in lower case.
    /// - Throws: When it is none of the notations.
    static func checked(_ text: String) throws(Refusal) -> String {
        guard !text.isEmpty else { throw Refusal("is empty", "write a host, an address or a network") }
        guard text.firstRange(of: "://") == nil else {
            throw Refusal("has a scheme", "write the host alone, with or without a port")
        }
        guard !text.contains("*") else {
            throw Refusal("has a wildcard", "name each host, or a network such as \"10.1.0.0/16\"")
        }
        if let slash = text.firstIndex(of: "/") {
            try checkNetwork(address: String(text[..<slash]), prefix: text[text.index(after: slash)...])
        } else {
            let host = try IPAddress(text) == nil ? HostAndPort(text).host : text
            try checkNotation(of: IPAddress(host))
        }
        return text.lowercased()
    }

    private static func checkNetwork(address text: String, prefix: Substring) throws(Refusal) {
        guard let address = IPAddress(text) else {
            throw Refusal(
                "has a \"/\" but no address before it",
                "write a host alone, or a network such as \"10.1.0.0/16\""
            )
        }
        try checkNotation(of: address)
        let bits = address.bytes.count * 8
        guard prefix.utf8.allSatisfy(UInt8.digits.contains), prefix.utf8.count <= 3, let prefix = Int(prefix),
            prefix <= bits
        else {
            throw Refusal("has no valid prefix length after the \"/\"", "write a number from 0 to \(bits)")
        }
        // Somebody who writes 10.1.2.3/8 may have meant one host or a whole network; only one of them is harmless.
        guard address.isNetwork(prefix: prefix) else {
            throw Refusal(
                "has bits set beyond the prefix length",
                "write the network's first address, or /\(bits) for the one host"
            )
        }
    }

    /// Refuses what no connection is ever compared with, since those are known by their IPv4 address.
    private static func checkNotation(of address: IPAddress?) throws(Refusal) {
        guard address?.isMapped != true else {
            throw Refusal("has an IPv4 address in the notation of IPv6", "write the IPv4 address")
        }
    }
}
