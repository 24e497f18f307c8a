package import RefundConfiguration
import RefundCore

/// The public keys that verify stored answers: the configured ones, and those that a gateway has retired.
///
/// An auditor needs neither the application's private key nor a webhook secret: neither is read.
package struct GatewayKeys: Sendable {
    private var configured: [String: any AnswerVerifying] = [:]
    /// For refunds of gateways that are no longer configured: one of each protocol with public keys.
    private let others: [any AnswerVerifying]
    /// The configured gateways that sign with a shared secret.
    private var secretive: Set<String> = []

    /// Reads the keys.
    ///
    /// - Parameters:
    ///   - configuration: The configuration that names the gateways' public keys; nil if it is invalid.
    ///   - retired: The files of public keys that gateways have retired.
    ///   - protocols: The protocols of the gateways.
    /// - Throws: `CommandFailure` with every problem.
    package init(
        _ configuration: Configuration?,
        retired: [String] = [],
        _ protocols: GatewayProtocols = .known
    ) throws(CommandFailure) {
        var loader = CredentialLoader(isForDaemon: false)
        let retired = retired.map { (path: $0, key: "--public-key") }
        for (name, gateway) in (configuration?.gateways ?? [:]).sorted(by: { $0.key < $1.key }) {
            let section = Configuration.section(ofGateway: name)
            let files = gateway.publicKeyFiles.map { (path: $0, key: "\(section).public_key_files") }
            let found = protocols.find(gateway, section: section, &loader)
            // Taken for a shared secret, a public key would let everybody forge answers.
            let isPublic = found?.hasPublicKeys ?? true
            if !isPublic { secretive.insert(name) }
            configured[name] = found?.verifier(publicKeyFiles: isPublic ? files + retired : files, &loader)
        }
        var others: [any AnswerVerifying] = []
        for one in protocols.all where one.hasPublicKeys {
            others.append(one.verifier(publicKeyFiles: retired, &loader))
        }
        self.others = others
        guard loader.problems.isEmpty else {
            throw CommandFailure(.configuration, loader.problems.map(\.description))
        }
    }

    /// Takes a stored answer apart, for proof outside refundd.
    ///
    /// - Returns: Its parts.
    /// - Throws: `CommandFailure` if no known key verifies it, or only a secret one does.
    func proof(in answer: [UInt8], of refund: Refund) throws(CommandFailure) -> AnswerProof {
        let gateway = JSONWriter.quoted(refund.gateway)
        guard !secretive.contains(refund.gateway) else {
            let problem = "gateway \(gateway) signs with a shared secret, so its answers prove nothing to others"
            throw CommandFailure(.failed, [problem])
        }
        guard let proof = verifiers(of: refund).lazy.compactMap({ $0.proof(in: answer) }).first else {
            let problem = "none of the known public keys of gateway \(gateway) verifies a stored answer"
            throw CommandFailure(.failed, ["\(problem); give the gateway's earlier key with --public-key"])
        }
        return proof
    }

    private func verifiers(of refund: Refund) -> [any AnswerVerifying] {
        configured[refund.gateway].map { [$0] } ?? others
    }

    /// Verifies a stored answer's signature again, and reads it as an answer about a refund.
    func reread(_ answer: [UInt8], _ refund: Refund) -> QueryOutcome {
        guard let query = RefundQuery(refund, merchantNo: refund.merchantNo ?? "") else {
            return .inconclusive(reason: "the refund has neither merchant_order_no nor trans_no")
        }
        var reason = "refundd does not know the protocol of gateway \(refund.gateway)"
        for verifier in verifiers(of: refund) {
            let outcome = verifier.outcome(of: answer, for: query)
            guard case .unverified(let problem, _) = outcome else { return outcome }
            reason = problem
        }
        guard !secretive.contains(refund.gateway) else { return .unverified(reason: reason) }
        let advice = "if the gateway signed with another key then, run: refundd verify --public-key FILE"
        return .unverified(reason: "\(reason); \(advice)")
    }
}
