package import RefundConfiguration
import RefundCore

/// The public keys that verify stored answers: the configured ones, and those that a gateway has retired.
///
/// An auditor needs neither the application's private key nor a webhook secret: neither is read.
package struct GatewayKeys: Sendable {
    private var configured: [String: any AnswerVerifying] = [:]
    /// For refunds of gateways that are no longer configured.
    private let others: (any AnswerVerifying)?

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
            configured[name] = found?.verifier(publicKeyFiles: files + retired, &loader)
        }
        others = protocols.all.first?.verifier(publicKeyFiles: retired, &loader)
        guard loader.problems.isEmpty else {
            throw CommandFailure(.configuration, loader.problems.map(\.description))
        }
    }

    /// Takes a stored answer apart, for proof outside refundd.
    ///
    /// - Returns: Its parts; nil if no known key verifies it.
    func proof(in answer: [UInt8], of refund: Refund) -> AnswerProof? {
        (configured[refund.gateway] ?? others)?.proof(in: answer)
    }

    /// Verifies a stored answer's signature again, and reads it as an answer about a refund.
    func reread(_ answer: [UInt8], _ refund: Refund) -> QueryOutcome {
        guard let query = RefundQuery(refund, merchantNo: refund.merchantNo ?? "") else {
            return .inconclusive(reason: "the refund has neither merchant_order_no nor trans_no")
        }
        guard let verifier = configured[refund.gateway] ?? others else {
            return .inconclusive(reason: "refundd knows no protocol of gateway \(refund.gateway)")
        }
        let outcome = verifier.outcome(of: answer, for: query)
        guard case .unverified(let reason, _) = outcome else { return outcome }
        return .unverified(reason: "\(reason); if the gateway signed with another key then, give it with --public-key")
    }
}
