import Foundation
package import RefundConfiguration
import RefundCore
import RefundCrypto
import RefundPayCloud

/// The public keys that verify stored answers: the configured ones, and those that a gateway has retired.
///
/// An auditor needs neither the application's private key nor a webhook secret: neither is read.
package struct GatewayKeys: Sendable {
    private var configured: [String: [RSAPublicKey]] = [:]
    private var retired: [RSAPublicKey] = []

    /// Reads the keys.
    ///
    /// - Parameters:
    ///   - configuration: The configuration that names the gateways' public keys.
    ///   - retired: The files of public keys that gateways have retired.
    /// - Throws: `CommandFailure` with every problem.
    package init(_ configuration: Configuration, retired: [String] = []) throws(CommandFailure) {
        var loader = CredentialLoader(isForDaemon: false)
        func read(_ path: String, key: String) -> RSAPublicKey? {
            loader.read(path, key: key, .integrity) { bytes in try RSAPublicKey(text: bytes) }
        }
        for (name, gateway) in configuration.gateways {
            let section = name == Configuration.defaultGateway ? "gateway" : "gateways.\(name)"
            configured[name] = gateway.publicKeyFiles.compactMap { read($0, key: "\(section).public_key_files") }
        }
        self.retired = retired.compactMap { read($0, key: "--public-key") }
        guard loader.problems.isEmpty else {
            throw CommandFailure(.configuration, loader.problems.map(\.description))
        }
    }

    /// Verifies a stored answer's signature again, and reads it as an answer about a refund.
    func reread(_ answer: [UInt8], _ refund: Refund) -> QueryOutcome {
        guard let query = RefundQuery(refund, merchantNo: refund.merchantNo ?? "") else {
            return .inconclusive(reason: "the refund has neither merchant_order_no nor trans_no")
        }
        let keys = configured[refund.gateway] ?? []
        let outcome = GatewayAnswer.outcome(of: answer, for: query, verifiedBy: keys + retired)
        guard case .unverified(let reason, _) = outcome else { return outcome }
        return .unverified(reason: "\(reason); if the gateway signed with another key then, give it with --public-key")
    }
}
