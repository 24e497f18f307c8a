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
            switch result {
            case .success(let response) where response.status == 200:
                let outcome = gateway.outcome(of: response.body, for: query)
                completion(.completed(outcome, duration: response.duration))
            case .success(let response):
                completion(.completed(.unreachable(reason: "HTTP \(response.status)"), duration: response.duration))
            case .failure(let error):
                completion(.completed(.unreachable(reason: "\(error)"), duration: .zero))
            }
        }
    }
}
