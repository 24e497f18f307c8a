import RefundCore
import RefundStore
import RefundStoreSQL

/// The gateways that have due refunds and are not configured.
struct UnknownGatewayReader {
    let statements: HotStatements
    let claims: ClaimRequest
    let now: Timestamp

    /// Steps from name to name, starting where the last search ended, and notes where the next one begins.
    ///
    /// - Returns: The names.
    func read(into input: inout CycleInput) throws -> [String] {
        let next =
            "SELECT min(q.gateway) FROM \(CycleReader.byDueTime) WHERE \(SQLCondition.isClaimable) AND q.gateway > ?"
        let due = """
            SELECT 1 FROM \(CycleReader.byDueTime) WHERE \(SQLCondition.isClaimable) AND q.gateway = ?
            AND (q.next_query_at IS NULL OR q.next_query_at <= ? OR q.next_query_at > ?) LIMIT 1
            """
        var found: [String] = []
        var last = claims.lastUnknownGateway
        for step in 0...CycleLimit.gatewayNames {
            guard step < CycleLimit.gatewayNames, found.count < CycleLimit.unknownGateways else {
                input.lastUnknownGateway = last
                break
            }
            guard let name = try statements[next].bind(last).first({ $0.text() }) else { break }
            last = name
            guard claims.gateways[name] == nil else { continue }
            let statement = try statements[due].bind(name).bind(now).bind(claims.latestDue)
            if try statement.first({ _ in true }) != nil { found.append(name) }
        }
        return found
    }
}
