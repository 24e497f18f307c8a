import RefundPostgres
import RefundStore
import RefundStoreSQL

/// The open breakers of gateways or endpoints, and which of them this cycle may probe.
///
/// A daemon locks a breaker before it probes, so it sees what the last probe recorded. The values are there once the
/// flight has run.
final class SharedBreakers {
    private(set) var recorded: [String: OpenBreaker] = [:]
    private var locked: Set<String> = []

    /// Adds to a flight what locks and reads the breakers.
    ///
    /// - Parameters:
    ///   - kind: What they are about.
    ///   - names: Which are read; nil for all.
    ///   - probed: Which are locked, because the cycle may probe there.
    ///   - flight: The flight.
    init(_ kind: BreakerKind, _ names: [String]? = nil, probed: [String], _ flight: Flight) {
        let breakers = "refund_breakers WHERE kind = '\(kind.rawValue)'"
        let isNamed = "AND name = ANY ($1)"
        if !probed.isEmpty {
            flight.add("SELECT name FROM \(breakers) \(isNamed) ORDER BY name FOR NO KEY UPDATE SKIP LOCKED")
                .bind(list: probed).read { [self] row in if let name = row.text() { locked.insert(name) } }
        }
        let all = flight.add("SELECT \(OpenBreaker.columns) FROM \(breakers) \(names == nil ? "" : isNamed)")
        if let names { all.bind(list: names) }
        all.read { [self] row in if let (name, breaker) = OpenBreaker.read(row) { recorded[name] = breaker } }
    }

    /// Whether another daemon's cycle may be probing.
    func isProbedElsewhere(_ name: String) -> Bool { recorded[name] != nil && !locked.contains(name) }
}
