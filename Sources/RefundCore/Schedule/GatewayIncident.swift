/// A fault of a gateway, or of one merchant's account there, that an operator has to fix.
package struct GatewayIncident: Hashable, Sendable {
    /// The kinds of incidents, as events and commands name them.
    package enum Kind: String, Sendable, CaseIterable {
        /// The gateway refuses our credentials, or none of its answers verifies.
        case misconfigured
        /// No answer has verified for ten minutes although refundd kept querying.
        case unreachable
    }

    /// The code of an incident in which no answer verifies.
    package static let unverifiedCode = "UNVERIFIED"
    /// The code of an incident in which the gateway cannot be reached.
    package static let unreachableCode = "UNREACHABLE"

    /// The kind of incident.
    package var kind: Kind
    /// The gateway's code, or one of refundd's own.
    package var code: String
    /// The gateway's message, or refundd's.
    package var message: String
    /// Whether the gateway signed its refusal; an unsigned one is only a hint.
    package var isVerified: Bool
    /// When it began.
    package var since: Timestamp

    /// Creates an incident.
    package init(kind: Kind, code: String, message: String, isVerified: Bool, since: Timestamp) {
        self.kind = kind
        self.code = code
        self.message = message
        self.isVerified = isVerified
        self.since = since
    }

    /// The cause in one clause.
    package var cause: String {
        // refundd's own findings need no code, and are no hints.
        if [Self.unverifiedCode, Self.unreachableCode, ClockSkew.code].contains(code) { return message.asClause }
        let hint = kind == .misconfigured && !isVerified ? ", not signed: only a hint" : ""
        return "\(message.asClause) (\(code)\(hint))"
    }
}

/// A time in which a gateway gave no verified answer although it was queried; an operator should look long before it is
/// an incident.
package struct GatewayLapse: Hashable, Sendable {
    /// When the first query failed.
    package var since: Timestamp
    /// How many queries have failed since; none succeeded.
    package var count: Int
    /// Whether it may still pass by itself, so that it is no problem yet.
    package var isBrief: Bool

    /// Creates a lapse.
    package init(since: Timestamp, count: Int, isBrief: Bool = false) {
        self.since = since
        self.count = count
        self.isBrief = isBrief
    }

    // Follows the number of a brief lapse where it is stored.
    private static let mark = " brief"

    /// Reads the number of failed queries, as ``text`` has it.
    package init(since: Timestamp, text: String) {
        let isBrief = text.hasSuffix(Self.mark)
        self.init(since: since, count: Int(text.split(separator: " ").first ?? "") ?? 0, isBrief: isBrief)
    }

    /// The number of failed queries, as it is stored.
    package var text: String { "\(count)\(isBrief ? Self.mark : "")" }
}
