package import RefundCore

/// What refundd sends to, and an operator may pause.
package enum Peer: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// A gateway, by its name in the configuration.
    case gateway(String)
    /// An endpoint, `scheme://host:port`.
    case endpoint(String)

    /// Creates the peer of a stored kind and name.
    package init(_ kind: BreakerKind, _ name: String) {
        switch kind {
        case .gateway, .lapse: self = .gateway(name)
        case .endpoint: self = .endpoint(name)
        }
    }

    /// The kind, as it is stored.
    package var kind: BreakerKind {
        switch self {
        case .gateway: .gateway
        case .endpoint: .endpoint
        }
    }

    /// The name.
    package var name: String {
        switch self {
        case .gateway(let name), .endpoint(let name): name
        }
    }

    /// The kind and the name, such as `gateway default`.
    package var description: String { "\(kind.rawValue) \(name)" }

    /// The command that ends a pause.
    package var resumeCommand: String { "refundd resume --\(kind.rawValue) \(name.asShellWord)" }
}

/// An operator's order to send nothing to a peer until it is resumed.
package struct Pause: Hashable, Sendable {
    /// When it began.
    package var since: Timestamp
    /// The operator.
    package var actor: String
    /// The operator's reason, if one was given.
    package var reason: String?

    /// Creates a pause.
    package init(since: Timestamp, by actor: String, reason: String? = nil) {
        self.since = since
        self.actor = actor
        self.reason = reason
    }

    /// Since when, by whom and why, in words that follow "is paused".
    package var description: String {
        "since \(since.iso8601Seconds) by \(actor)" + (reason.map { " (\($0))" } ?? "")
    }
}
