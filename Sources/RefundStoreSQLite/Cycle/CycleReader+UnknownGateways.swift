import RefundCore
import RefundStore

/// The gateways that have due refunds and are not configured.
extension CycleReader {
    // Bounds the work of one cycle on unconfigured gateways.
    private static let unknownGatewayLimit = 64
    private static let unknownGatewayScan = 512

    // Continues where the last scan ended, so that a scan costs the same however many names there are.
    func unknownGateways(into input: inout CycleInput, _ claims: ClaimRequest) throws -> [String] {
        let sql = """
            SELECT min(q.gateway) FROM \(Self.byDueTime) WHERE \(Self.isClaimable) AND q.gateway > ?
            """
        let due = """
            SELECT 1 FROM \(Self.byDueTime) WHERE \(Self.isClaimable) AND q.gateway = ?
            AND (q.next_query_at IS NULL OR q.next_query_at <= ? OR q.next_query_at > ?) LIMIT 1
            """
        var names: [String] = []
        var last = claims.lastUnknownGateway
        for step in 0...Self.unknownGatewayScan {
            guard step < Self.unknownGatewayScan, names.count < Self.unknownGatewayLimit else {
                input.lastUnknownGateway = last
                break
            }
            guard let name = try statements[sql].bind(last).first({ $0.text() }) else { break }
            last = name
            guard claims.gateways[name] == nil else { continue }
            let statement = try statements[due].bind(name).bind(request.now).bind(claims.latestDue)
            if try statement.first({ _ in true }) != nil { names.append(name) }
        }
        return names
    }
}
