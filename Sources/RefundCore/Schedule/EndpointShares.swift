/// Shares the places for webhooks in flight among receivers, so that a slow or dead one holds up nobody else.
///
/// A receiver that has not taken anything yet gets two places, one that took the last webhook up to three quarters of
/// all, one whose last attempt failed a single one; those that fail share half of all places between them.
public struct EndpointShares: Sendable {
    private struct Endpoint {
        var inFlight = 0
        // Nil until the first attempt has ended.
        var isHealthy: Bool?
    }

    /// How many webhooks may be in flight at the same time.
    public var capacity: Int
    private var endpoints: [String: Endpoint] = [:]

    /// Creates shares of a number of places.
    public init(capacity: Int) {
        self.capacity = capacity
    }

    /// How many webhooks are in flight.
    public var inFlight: Int {
        endpoints.values.reduce(0) { $0 + $1.inFlight }
    }

    /// How many further webhooks may be sent to a receiver now.
    public func free(for endpoint: String) -> Int {
        let state = endpoints[endpoint] ?? Endpoint()
        var free = capacity - inFlight
        switch state.isHealthy {
        case nil:
            free = min(free, min(2, capacity) - state.inFlight)
        case true?:
            free = min(free, max(1, capacity * 3 / 4) - state.inFlight)
        case false?:
            let failing = endpoints.values.reduce(0) { $0 + ($1.isHealthy == false ? $1.inFlight : 0) }
            free = min(free, 1 - state.inFlight, max(1, capacity / 2) - failing)
        }
        return max(0, free)
    }

    /// Takes note that webhooks are being sent.
    public mutating func started(_ endpoint: String, count: Int = 1) {
        endpoints[endpoint, default: Endpoint()].inFlight += count
    }

    /// Takes note that an attempt has ended.
    public mutating func ended(_ endpoint: String, isDelivered: Bool) {
        endpoints[endpoint, default: Endpoint()].inFlight -= 1
        endpoints[endpoint]?.isHealthy = isDelivered
        // What is known of idle receivers is worth little; it must not grow with every address ever seen.
        if endpoints.count > 4_096 { endpoints = endpoints.filter { $0.value.inFlight > 0 } }
    }
}
