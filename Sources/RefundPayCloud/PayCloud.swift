import FoundationEssentials
package import RefundCore
import RefundCrypto
import RefundHTTP

/// The protocol of PayCloud's gateways.
package struct PayCloud: GatewayProtocol {
    package let name = "paycloud"
    package let hasPublicKeys = true
    package let clockWindow: Duration? = GatewayClient.clockWindow
    // All gateways share it: a signature takes half a millisecond of one core.
    private let signing = SigningPool(threads: ProcessInfo.processInfo.activeProcessorCount)

    /// Creates the protocol with a pool of threads that sign.
    package init() {}

    package func account(
        _ settings: GatewaySettings,
        section: String,
        _ credentials: inout some CredentialReading
    ) -> (any GatewayAccount)? {
        var url: String?
        do throws(GatewayURL.Invalid) {
            url = try GatewayURL.query(at: settings.url)
        } catch {
            credentials.report(error.description, key: "\(section).url", value: settings.url)
        }
        let privateKey = credentials.read(settings.privateKeyFile, key: "\(section).private_key_file", .secrecy) {
            try RSAPrivateKey(text: $0)
        }
        let key = "\(section).public_key_files"
        let publicKeys = Self.publicKeys(settings.publicKeyFiles.map { (path: $0, key: key) }, &credentials)
        if let file = settings.caFile {
            credentials.read(file, key: "\(section).ca_file", .integrity) { try CertificateBundle.check($0) }
        }
        guard let url, let privateKey else { return nil }
        let client = GatewayClient.Settings(
            url: url,
            appID: settings.appID,
            privateKey: privateKey,
            publicKeys: publicKeys,
            caFile: settings.caFile,
            timeout: settings.timeout
        )
        return PayCloudAccount(client: client, maxInFlight: settings.limits.maxInFlight, signing: signing)
    }

    package func verifier(
        publicKeyFiles files: [(path: String, key: String)],
        _ credentials: inout some CredentialReading
    ) -> any AnswerVerifying {
        PayCloudVerifier(keys: Self.publicKeys(files, &credentials))
    }

    private static func publicKeys(
        _ files: [(path: String, key: String)],
        _ credentials: inout some CredentialReading
    ) -> [RSAPublicKey] {
        files.compactMap { file in
            credentials.read(file.path, key: file.key, .integrity) { try RSAPublicKey(text: $0) }
        }
    }
}

private struct PayCloudAccount: GatewayAccount {
    let client: GatewayClient.Settings
    let maxInFlight: Int
    let signing: SigningPool

    var address: String { client.url }
    var signingKey: String? { try? client.privateKey.publicKey.fingerprint }
    var verifyingKeys: [String] { client.publicKeys.map(\.fingerprint) }

    func connect(name: String) throws -> GatewayConnection {
        let http = try HTTPClient(
            settings: HTTPClient.Settings(maxConnections: maxInFlight, name: name, userAgent: "refundd")
        )
        return GatewayConnection(client: GatewayClient(client, http: http, signing: signing), shutDown: http.shutDown)
    }
}

private struct PayCloudVerifier: AnswerVerifying {
    let keys: [RSAPublicKey]

    func outcome(of answer: [UInt8], for query: RefundQuery) -> QueryOutcome {
        GatewayAnswer.outcome(of: answer, for: query, verifiedBy: keys)
    }

    func proof(in answer: [UInt8]) -> AnswerProof? { GatewayAnswer.proof(in: answer, verifiedBy: keys) }
}
