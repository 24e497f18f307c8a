import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL

/// The gateways that have due refunds and are not configured.
final class UnknownGatewayReader {
    private var names: [(name: String, hasDue: Bool)] = []
    private var isAtEnd = false
    /// Those that a finished search has found.
    private(set) var found: [String] = []

    /// Adds to a flight what steps from name to name, starting where the last search ended.
    init(_ flight: Flight, _ claims: ClaimRequest, _ now: Timestamp) {
        func next(_ bound: String) -> String {
            """
            (SELECT q.gateway FROM refund_queue q WHERE \(SQLCondition.isOpen) AND q.gateway > \(bound)
            ORDER BY q.gateway LIMIT 1)
            """
        }
        func has(_ range: String) -> String {
            """
            EXISTS (SELECT 1 FROM refund_queue q WHERE \(SQLCondition.isClaimable) AND q.gateway = name
            AND q.next_query_at \(range))
            """
        }
        let sql = """
            WITH RECURSIVE names (name, step) AS (
                SELECT \(next("$1")), 1
                UNION ALL
                SELECT \(next("name")), step + 1 FROM names WHERE name IS NOT NULL AND step < \(CycleLimit.gatewayNames)
            )
            SELECT name, name <> ALL ($2) AND (\(has("IS NULL")) OR \(has("<= $3")) OR \(has("> $4"))) FROM names
            """
        flight.add(sql)
            .bind(claims.lastUnknownGateway).bind(list: claims.gateways.keys).bind(now).bind(claims.latestDue)
            .read { [self] row in
                guard let name = row.text() else {
                    isAtEnd = true
                    return
                }
                names.append((name, row.integer() == 1))
            }
    }

    /// Returns the names once the flight has run, and notes where the next search begins.
    func finish(_ input: inout CycleInput) -> [String] {
        for (index, entry) in names.enumerated() {
            if entry.hasDue { found.append(entry.name) }
            guard found.count < CycleLimit.unknownGateways else {
                input.lastUnknownGateway = entry.name
                return found
            }
            if index == names.count - 1, !isAtEnd { input.lastUnknownGateway = entry.name }
        }
        return found
    }
}
