package import RefundCore
package import RefundCrypto
package import RefundHTTP

/// Queries one gateway: signs the query, sends it, verifies the response and reads the verdict.
package final class GatewayClient: GatewayQuerying {
    /// The gateway's settings.
    package struct Settings: Sendable {
        /// The exact URL that queries are posted to.
        package var url: String
        /// The application's id at the gateway.
        package var appID: String
        /// The key that signs queries.
        package var privateKey: RSAPrivateKey
        /// The gateway's keys; two during a key rotation.
        package var publicKeys: [RSAPublicKey]
        /// A PEM file of extra trust anchors, or nil.
        package var caFile: String?
        /// The time limit from sending a query to the last byte of its response.
        package var timeout: Duration

        /// Creates settings.
        package init(
            url: String,
            appID: String,
            privateKey: RSAPrivateKey,
            publicKeys: [RSAPublicKey],
            caFile: String? = nil,
            timeout: Duration
        ) {
            self.url = url
            self.appID = appID
            self.privateKey = privateKey
            self.publicKeys = publicKeys
            self.caFile = caFile
            self.timeout = timeout
        }
    }

    // The difference from its own clock that PayCloud accepts: <https://developer.codepay.us/docs/CloudAPI>.
    static let clockWindow: Duration = .seconds(15 * 60)

    private let settings: Settings
    private let http: any HTTPTransport
    private let signing: SigningPool

    /// Creates a client.
    ///
    /// - Parameters:
    ///   - settings: The gateway's settings.
    ///   - http: Sends the queries; clients may share it.
    ///   - signing: Signs the queries; clients may share it.
    package init(_ settings: Settings, http: any HTTPTransport, signing: SigningPool) {
        self.settings = settings
        self.http = http
        self.signing = signing
    }

    /// Queries the state of a refund.
    ///
    /// - Parameters:
    ///   - query: What to ask.
    ///   - now: The time of the query, which is signed.
    ///   - isProbe: Whether to open a new connection, to test the whole path to the gateway.
    ///   - completion: Called once, on a thread of the signing pool or of the transport.
    package func query(
        _ query: RefundQuery,
        at now: Timestamp,
        isProbe: Bool = false,
        completion: @escaping @Sendable (QueryAttempt) -> Void
    ) {
        let request = GatewayRequest(query, appID: settings.appID, at: now)
        signing.sign(request.signingString, with: settings.privateKey) { [self] result in
            switch result {
            case .success(let signature):
                let body = request.body(signature: signature)
                post(body, for: query, at: now, over: isProbe ? .fresh : .any, completion: completion)
            case .failure(let error):
                let reason = "the query could not be signed: \(error)".sanitized(maxLength: 300)
                completion(.completed(.unreachable(reason: reason), duration: .zero))
            }
        }
    }

    private func post(
        _ body: [UInt8],
        for query: RefundQuery,
        at now: Timestamp,
        over connection: HTTPRequest.Connection,
        completion: @escaping @Sendable (QueryAttempt) -> Void
    ) {
        let request = HTTPRequest(
            url: settings.url,
            headers: GatewayRequest.headers,
            body: body,
            timeout: settings.timeout,
            responseLimit: .refuseAbove(GatewayAnswer.maximumLength),
            caFile: settings.caFile,
            connection: connection
        )
        let start = ContinuousClock.now
        // Verifying takes a twentieth of the time of signing. On the transport's thread, no response waits behind
        // signatures.
        http.send(request) { [settings] result in
            let attempt = QueryAttempt(
                result,
                from: settings.url,
                sentAt: now,
                duration: start.duration(to: .now),
                clockWindow: Self.clockWindow
            ) { GatewayAnswer.outcome(of: $0, for: query, appID: settings.appID, verifiedBy: settings.publicKeys) }
            completion(attempt)
        }
    }
}
