import RefundCore
import RefundHTTP

/// The toy gateway as the scheduler queries it, over any transport.
struct ToyClient: GatewayQuerying {
    let gateway: ToyGateway
    let transport: any HTTPTransport

    func query(
        _ query: RefundQuery,
        at now: Timestamp,
        isProbe: Bool,
        completion: @escaping @Sendable (QueryAttempt) -> Void
    ) {
        var request = gateway.request(for: query, at: now)
        request.connection = isProbe ? .fresh : .any
        transport.send(request) { result in
            let attempt = QueryAttempt(
                result,
                from: gateway.url,
                sentAt: now,
                duration: .zero,
                clockWindow: ToyProtocol.clockLimit
            ) { gateway.outcome(of: $0, for: query) }
            completion(attempt)
        }
    }
}
