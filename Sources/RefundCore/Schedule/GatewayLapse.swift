/// A time in which a gateway gave no verified answer although it was queried; an operator should look long before it is
/// an incident.
package struct GatewayLapse: Hashable, Sendable {
    /// When the first query failed.
    package var since: Timestamp
    /// How many queries have failed since; none succeeded.
    package var count: Int

    /// Creates a lapse.
    package init(since: Timestamp, count: Int) {
        self.since = since
        self.count = count
    }

    /// The lapse of a gateway in one sentence.
    package func problem(of gateway: String) -> String {
        "no answer of gateway \(gateway) has verified since \(since.iso8601Seconds) (\(count) of \(count))"
    }
}
