import Foundation
package import RefundCore
import RefundStore

/// Portable proof of what the gateway said about a refund: its signed answers, with everything that `openssl` needs to
/// verify them.
package struct EvidenceFolder: Sendable {
    private let refund: Refund
    private let answers: [(row: LedgerRow, proof: AnswerProof)]

    /// Collects the signed answers of a ledger.
    ///
    /// - Parameters:
    ///   - refund: The refund.
    ///   - ledger: Its ledger.
    ///   - keys: The gateway's public keys.
    /// - Throws: `CommandFailure` if there is no signed answer, or one that no key verifies.
    package init(of refund: Refund, _ ledger: [LedgerRow], _ keys: GatewayKeys) throws(CommandFailure) {
        self.refund = refund
        var answers: [(LedgerRow, AnswerProof)] = []
        for row in ledger {
            guard let response = row.response else { continue }
            answers.append((row, try keys.proof(in: response, of: refund)))
        }
        guard !answers.isEmpty else {
            throw CommandFailure(.failed, ["\(refund.title) has no signed answer of the gateway in its ledger"])
        }
        self.answers = answers
    }

    /// Writes the folder, which must not exist; only its owner may read it.
    ///
    /// - Parameter path: The folder.
    /// - Returns: The number of signed answers.
    /// - Throws: `CommandFailure` if it cannot be written.
    package func write(to path: String) throws(CommandFailure) -> Int {
        do {
            let private700: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: false,
                attributes: private700
            )
            for (name, content) in files() {
                try Data(content).write(to: URL(fileURLWithPath: "\(path)/\(name)"), options: .withoutOverwriting)
            }
            try FileManager.default.setAttributes(private700, ofItemAtPath: "\(path)/verify.sh")
        } catch let error as CocoaError where error.code == .fileWriteFileExists {
            throw CommandFailure(.failed, ["\(path) exists; name a new folder"])
        } catch {
            throw CommandFailure(.failed, ["cannot write \(path): \(error.localizedDescription)"])
        }
        return answers.count
    }

    private func files() -> [(name: String, content: [UInt8])] {
        var files = [(name: "README.txt", content: Array(readme.utf8)), ("verify.sh", Array(script.utf8))]
        for (row, proof) in answers {
            let name = "answer-\(row.sequence)"
            files += [
                ("\(name).json", row.response ?? []), ("\(name).signed.txt", proof.signed),
                ("\(name).signature", proof.signature), ("\(name).key.pem", Array(proof.publicKey.utf8)),
            ]
        }
        return files
    }

    private var script: String {
        let checks = answers.map { row, proof in "check answer-\(row.sequence) \(proof.scheme.digest)" }
        return """
            #!/bin/sh
            # Verifies the gateway's signature of every answer in this folder, with openssl alone.
            cd "$(dirname "$0")" || exit 1
            status=0
            check() {
                printf '%s: ' "$1"
                openssl dgst "-$2" -verify "$1.key.pem" -signature "$1.signature" "$1.signed.txt" || status=1
            }
            \(checks.joined(separator: "\n"))
            exit $status

            """
    }

    private var readme: String {
        let numbers = [
            ("merchant_order_no", refund.merchantOrderNo), ("trans_no", refund.transNo ?? refund.transaction?.transNo),
            ("orig_trans_no", refund.transaction?.origTransNo),
            ("pay_channel_trans_no", refund.transaction?.payChannelTransNo), ("gateway", refund.gateway),
        ].compactMap { name, value in value.map { "  \(name): \($0)" } }
        let rows = answers.map { row, _ in
            "  answer-\(row.sequence): \(row.at.iso8601), \(row.from) -> \(row.to), psn \(row.psn ?? "none")"
        }
        // A refund has one gateway, and a gateway has one scheme.
        let scheme = answers[0].proof.scheme
        return """
            What the gateway said about refund \(refund.title), which is \(refund.state.rawValue).

            \(numbers.joined(separator: "\n"))

            \(rows.joined(separator: "\n"))

            answer-N.json        the answer, byte for byte as it arrived
            answer-N.signed.txt  what its signature covers: \(scheme.signed)
            answer-N.signature   \(scheme.signature)
            answer-N.key.pem     the gateway's public key, from its portal

            Run ./verify.sh to verify every signature: \(scheme.name).

            """
    }
}
