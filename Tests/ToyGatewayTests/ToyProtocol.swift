import RefundCore
import RefundCrypto
import RefundHTTP

/// The toy gateway as an entry of the composition root's table of protocols.
///
/// Its one secret signs both queries and answers, so both keys of the configuration may name the same file.
struct ToyProtocol: GatewayProtocol {
    let name = "toy"
    let hasPublicKeys = false
    static let clockLimit: Duration = .seconds(300)
    let clockWindow: Duration? = clockLimit
    /// Creates the transport to a gateway.
    let transport: @Sendable (ToyGateway) -> any HTTPTransport

    func account(
        _ settings: GatewaySettings,
        section: String,
        _ credentials: inout some CredentialReading
    ) -> (any GatewayAccount)? {
        credentials.read(settings.privateKeyFile, key: "\(section).private_key_file", .secrecy) { secret in
            ToyAccount(gateway: ToyGateway(url: settings.url, secret: secret), transport: transport)
        }
    }

    func verifier(
        publicKeyFiles files: [(path: String, key: String)],
        _ credentials: inout some CredentialReading
    ) -> any AnswerVerifying {
        let secrets = files.compactMap { credentials.read($0.path, key: $0.key, .secrecy) { $0 } }
        return ToyGateway(url: "", secret: secrets.first ?? [])
    }

    func remedy(for problem: String, of gateway: String, _ settings: GatewaySettings?) -> GatewayRemedy? {
        guard problem.contains("the signature is wrong") else { return nil }
        return GatewayRemedy(cause: "gateway \(gateway) has another secret than \(settings?.privateKeyFile ?? "ours")")
    }
}

extension ToyGateway: AnswerVerifying {
    // Whoever can verify an HMAC can forge it, so an answer proves nothing to others.
    func proof(in answer: [UInt8]) -> AnswerProof? { nil }
}

private struct ToyAccount: GatewayAccount {
    let gateway: ToyGateway
    let transport: @Sendable (ToyGateway) -> any HTTPTransport

    var address: String { gateway.url }
    var signingKey: String? { nil }
    var verifyingKeys: [String] { [HMACSHA256.code(for: [], key: gateway.secret).description] }

    func connect(name: String) -> GatewayConnection {
        GatewayConnection(client: ToyClient(gateway: gateway, transport: transport(gateway))) {}
    }
}
