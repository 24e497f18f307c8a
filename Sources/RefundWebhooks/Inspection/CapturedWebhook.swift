/// A webhook as a receiver got it.
package struct CapturedWebhook: Hashable, Sendable {
    /// The value of `webhook-id`.
    package var id: String?
    /// The value of `webhook-timestamp`.
    package var timestamp: String?
    /// The value of `webhook-signature`.
    package var signature: String?
    /// The body.
    package var body: [UInt8]
    /// The length that the request announced for its body.
    package var announcedLength: Int?

    /// Creates a webhook from its parts; empty headers count as missing.
    package init(id: String?, timestamp: String?, signature: String?, body: [UInt8]) {
        func trimmed(_ value: String?) -> String? {
            value.map { $0.trimmingBlanks }.flatMap { $0.isEmpty ? nil : $0 }
        }
        (self.id, self.timestamp, self.signature) = (trimmed(id), trimmed(timestamp), trimmed(signature))
        self.body = body
    }

    /// Reads a raw HTTP request: request line and headers, an empty line, and the body as it arrived.
    ///
    /// - Returns: Nil without an empty line, which ends the head.
    package init?(request bytes: [UInt8]) {
        var headers: [String: String] = [:]
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: rest[..<end], as: UTF8.self).trimmingBlanks
            rest = rest[(end + 1)...]
            if line.isEmpty {
                self.init(headers: headers, body: Array(rest))
                return
            }
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...])
        }
        return nil
    }

    /// Creates a webhook from a request.
    ///
    /// - Parameters:
    ///   - headers: The request's headers, with names in lower case.
    ///   - body: The request's body.
    package init(headers: [String: String], body: [UInt8]) {
        self.init(
            id: headers["webhook-id"],
            timestamp: headers["webhook-timestamp"],
            signature: headers["webhook-signature"],
            body: body
        )
        announcedLength = headers["content-length"].flatMap { Int($0.trimmingBlanks) }
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        let isBlank = { (character: Character) in character.isWhitespace }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}

/// A secret with the name that messages use for it: its file.
package struct NamedSecret: Sendable {
    /// The name.
    package let name: String
    /// The secret.
    package let secret: WebhookSecret

    /// Names a secret.
    package init(name: String, _ secret: WebhookSecret) {
        (self.name, self.secret) = (name, secret)
    }
}
