/// Something wrong with a gateway, or with one merchant's account there, that an operator has to fix.
package struct GatewayIncident: Hashable, Sendable {
    /// What kind of incident it is, as events and commands name it.
    package enum Kind: String, Sendable, CaseIterable {
        /// The gateway refuses our credentials, or none of its answers verifies.
        case misconfigured
        /// Nothing has verified for ten minutes although refundd kept asking.
        case unreachable
    }

    /// The code that incidents carry in which no answer verifies.
    package static let unverifiedCode = "UNVERIFIED"
    /// The code that incidents carry in which the gateway cannot be reached.
    package static let unreachableCode = "UNREACHABLE"

    /// What kind of incident it is.
    package var kind: Kind
    /// The gateway's code, or one of refundd's own.
    package var code: String
    /// The gateway's words, or refundd's.
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
}
