package import RefundCore
package import RefundCrypto
import RefundHTTP

/// A client of one gateway: signs a query, sends it, verifies the answer and tells what came of it.
package final class GatewayClient: Sendable {
    /// What a client has to know of its gateway.
    package struct Settings: Sendable {
        /// The exact address that queries are posted to.
        package var url: String
        /// The application's id at the gateway.
        package var appID: String
        /// The key that signs queries.
        package var privateKey: RSAPrivateKey
        /// The gateway's keys; two while it changes from one to the other.
        package var publicKeys: [RSAPublicKey]
        /// The path of extra trust anchors, or nil.
        package var caFile: String?
        /// How long a query may take from being sent to the last byte of its answer.
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

    private let settings: Settings
    private let http: any HTTPSending
    private let signing: SigningPool

    /// Creates a client.
    ///
    /// - Parameters:
    ///   - settings: What to know of the gateway.
    ///   - http: Sends the queries; clients may share one.
    ///   - signing: Signs the queries; clients may share one.
    package init(_ settings: Settings, http: any HTTPSending, signing: SigningPool) {
        self.settings = settings
        self.http = http
        self.signing = signing
    }

    /// Asks the gateway what became of a refund.
    ///
    /// - Parameters:
    ///   - query: What to ask.
    ///   - now: The time, which is sent along.
    ///   - completion: Takes what came of it; called once, on a thread of the signing pool's or of the HTTP client's.
    package func send(
        _ query: RefundQuery,
        at now: Timestamp,
        completion: @escaping @Sendable (QueryOutcome) -> Void
    ) {
        let request = GatewayRequest(query, appID: settings.appID, at: now)
        signing.sign(request.signingString, with: settings.privateKey) { [self] result in
            switch result {
            case .success(let signature):
                post(request.body(signature: signature), for: query, at: now, completion: completion)
            case .failure(let error):
                completion(.unreachable(reason: "the query could not be signed: \(error)".sanitized(maxLength: 300)))
            }
        }
    }

    private func post(
        _ body: [UInt8],
        for query: RefundQuery,
        at now: Timestamp,
        completion: @escaping @Sendable (QueryOutcome) -> Void
    ) {
        let request = HTTPRequest(
            url: settings.url,
            headers: GatewayRequest.headers,
            body: body,
            timeout: settings.timeout,
            responseLimit: .refuseAbove(GatewayAnswer.maximumLength),
            caFile: settings.caFile
        )
        // Verifying takes a twentieth of what signing does: on the sender's own thread no answer waits behind signatures.
        http.send(request) { [settings] result in
            switch result {
            case .success(let response):
                completion(
                    QueryOutcome(
                        response,
                        for: query,
                        appID: settings.appID,
                        verifiedBy: settings.publicKeys,
                        sentAt: now
                    )
                )
            case .failure(let error):
                completion(.unreachable(reason: "\(error)".sanitized(maxLength: 300)))
            }
        }
    }
}
