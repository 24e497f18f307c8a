/// Changes of refunds that operators made.
package struct OperatorChanges: Hashable, Sendable {
    /// The states before and after each change.
    package var changes: [Change] = []
    /// The last ledger row that was read.
    package var last: Int64

    /// Creates an empty list that ends with a row.
    package init(last: Int64) {
        self.last = last
    }

    /// A change of a refund's state or attention.
    package struct Change: Hashable, Sendable {
        /// The state before.
        package var from: String
        /// The state after.
        package var to: String

        /// Creates a change.
        package init(from: String, to: String) {
            self.from = from
            self.to = to
        }
    }
}

/// The undelivered webhooks of an endpoint.
package struct EndpointBacklog: Hashable, Sendable {
    /// The most webhooks of a state that are counted, over all endpoints.
    package static let counted = 5_000

    /// Scheme, host and port.
    package var endpoint: String
    /// How many wait for their next attempt.
    package var waiting = 0
    /// How many are dead.
    package var dead = 0
    /// The newest dead webhook.
    package var newestDead: String?
    /// The error of that webhook's last attempt.
    package var lastError: String?

    /// Creates the backlog of an endpoint without undelivered webhooks.
    package init(endpoint: String) {
        self.endpoint = endpoint
    }
}
