import RefundCore

extension ValueType where Value == String {
    /// An id or number that the gateway's portal shows.
    ///
    /// Source of the length: <https://developer.codepay.us/docs/CloudAPI> (common members).
    static let identifier = text("the id that the gateway's portal shows, of at most 32 characters") { text, _ in
        let isValid = (1...32).contains(text.unicodeScalars.count) && !text.containsControlCharacter
        return isValid ? text : nil
    }

    /// The name of a gateway's protocol; the composition root knows which ones there are.
    static let protocolName = text(#"a protocol's name such as "paycloud""#) { text, _ in
        let isName = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) }
        return isName && !text.isEmpty ? text : nil
    }

    /// The URL of a gateway, without trailing slashes; the gateway's own module completes it.
    static let gatewayURL = text(#"a URL such as "https://open.n-age.co.jp""#, show: withoutCredentials) {
        (text, _) throws(InvalidValue) in
        let url = try HTTPURL(reading: text)
        guard url.scheme == .https || url.host.isLoopback else {
            throw InvalidValue("plain http is allowed only to localhost, 127.0.0.0/8 and [::1]; use https")
        }
        guard !url.target.contains("?"), !url.target.contains("#") else {
            throw InvalidValue("the URL has a query or a fragment; remove it")
        }
        var path = url.target
        while path.hasSuffix("/") { path.removeLast() }
        return "\(url.origin)\(path)"
    }

    /// The URL of a webhook receiver, never shown because its path or query often holds a token.
    static let webhookURL = text(#"a URL such as "https://shop.example/refunds""#, show: hidden) {
        (text, _) throws(InvalidValue) in
        _ = try HTTPURL(reading: text)
        return text
    }

    /// The URL of a monitor, never shown because anyone who knows it can report that all is well.
    static let monitorURL = text(#"a URL such as "https://monitor.example/token""#, show: hidden) {
        (text, _) throws(InvalidValue) in
        _ = try HTTPURL(reading: text)
        return text
    }

    /// The URL of a database on a server, never shown, since it may hold a password; the server's store checks it.
    static let databaseURL = text(#"a URL such as "postgresql://refundd@db.example/shop""#, show: hidden) { text, _ in
        text
    }

    /// The name of a schema, which needs no quotation marks in SQL.
    ///
    /// Source: <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>.
    static let schemaName = text(
        "a schema's name of at most 63 small letters, digits and underscores, which begins with neither a digit nor pg_"
    ) { text, _ in
        text.wholeMatch(of: #/[a-z_][a-z0-9_]{0,62}/#) != nil && !text.hasPrefix("pg_") ? text : nil
    }

    /// The name of a host, without a port.
    static let hostName = text(#"a host name such as "refunds.internal""#) { text, _ in
        HostName(text)?.description
    }

    /// The name of a file, read as an absolute path.
    ///
    /// A rejected name is never shown, since it may be the secret that belongs in the file.
    ///
    /// - Parameters:
    ///   - isCredential: Whether a bare name is looked up among the credentials. The database is not, since refundd
    ///     writes to it and credentials are read-only.
    ///   - example: A name for messages.
    /// - Returns: The type.
    static func file(isCredential: Bool = true, example: String) -> ValueType {
        text("a file name such as \(example.quoted)", show: hidden) { (text, files) throws(InvalidValue) in
            guard !isFileContent(text) else {
                throw InvalidValue("this is a key or a secret; put it into a file and name that file", .secret)
            }
            guard !text.isEmpty, !text.containsControlCharacter, !text.hasSuffix("/") else { return nil }
            return files.path(of: text, isCredential: isCredential)
        }
    }

    /// Returns whether a text is PEM, the Base64 of a key, or a webhook secret.
    private static func isFileContent(_ text: String) -> Bool {
        // The Base64 of every RSA key starts with "MI"; a webhook secret has at least 24 bytes.
        text.hasPrefix("-----BEGIN") || (text.hasPrefix("MI") && text.utf8.count > 100)
            || (text.hasPrefix("whsec_") && text.utf8.count >= 38)
    }
}

extension ValueType where Value == [String] {
    /// The names of several files.
    static func files(_ count: ClosedRange<Int>, example: String) -> ValueType {
        ValueType<String>.file(example: example).array(of: "file names", count: count)
    }
}

extension ValueType where Value == AllowedHost {
    static let allowedHost = text(
        #"a host such as "hooks.internal:8080""#,
        show: withoutCredentials
    ) { (text, _) throws(InvalidValue) in
        do throws(AllowedHostError) {
            return try AllowedHost(text)
        } catch {
            throw InvalidValue(error.description)
        }
    }
}

extension ValueType where Value == ListenAddress {
    static let listenAddress = text(
        #"a host and a port such as "127.0.0.1:9464", or a socket such as "unix:/run/refundd/admin.sock""#
    ) { text, _ in ListenAddress(text) }
}

extension ValueType {
    fileprivate static func hidden(_ text: String) -> String? { nil }

    /// Returns a URL or host as a message may show it: without a query or fragment, and only if it has no user info.
    fileprivate static func withoutCredentials(_ text: String) -> String? {
        text.contains("@") ? nil : String(text.prefix { $0 != "?" && $0 != "#" }).quoted
    }
}

extension HTTPURL {
    fileprivate init(reading text: String) throws(InvalidValue) {
        do throws(HTTPURLError) {
            self = try HTTPURL(text)
        } catch {
            throw InvalidValue(error.description)
        }
    }
}
