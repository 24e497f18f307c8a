import RefundCore
import Testing

@testable import RefundDaemon

/// How `doctor` words problems of keys and secrets.
struct CredentialAdviceTests {
    private static let path = "/etc/refundd/credentials/app_private_key"

    private func findings(_ problems: String..., isUnits: Bool = true) -> [Finding] {
        let problems = problems.enumerated().map { index, text in
            CredentialProblem(key: "gateways.\(index).private_key_file", path: Self.path, problem: text)
        }
        return CredentialAdvice(isUnits: isUnits).findings(problems)
    }

    @Test func missingFileIsNamedOnceWithTheCommandThatPutsItThere() {
        let missing = CredentialFileError.missing.description
        let findings = findings(missing, missing)
        #expect(findings.map(\.text) == ["gateways.0.private_key_file: \(Self.path): \(missing)"])
        #expect(
            findings.first?.command == "install -m 600 app_private_key \(Self.path) && systemctl restart refundd"
        )
        let bare = self.findings(missing, isUnits: false)
        #expect(bare.first?.command == "install -m 600 app_private_key \(Self.path)")
    }

    @Test func exposedFileHasItsCommand() {
        let found = findings("the file is readable by others; run: chmod 600 \(Self.path)", isUnits: false).first
        #expect(found?.text.hasSuffix("is readable by others") == true)
        #expect(found?.command == "chmod 600 \(Self.path)")
    }

    @Test func everyProblemHasACommand() {
        #expect(findings("not a PEM file").first?.command == "ls -l \(Self.path)")
        let value = CredentialProblem(key: "gateway.url = \"x\"", path: nil, problem: "bad")
        #expect(CredentialAdvice(isUnits: true).findings([value]).first?.command == "refundd check")
    }
}
