import Glibc
import RefundCore
import RefundStore
import RefundTestSupport
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
        let keys = "gateways.0.private_key_file, gateways.1.private_key_file"
        #expect(findings.map(\.text) == ["\(keys): \(Self.path): \(missing)"])
        #expect(
            findings.first?.command == "install -m 600 app_private_key \(Self.path) && systemctl restart refundd"
        )
        let bare = self.findings(missing, isUnits: false)
        #expect(bare.first?.command == "install -m 600 app_private_key \(Self.path)")
    }

    @Test func brokenPublicKeyIsReplacedFromThePortal() {
        let path = "/etc/refundd/credentials/gateway_public_key"
        let problem = CredentialProblem(key: "gateway.public_key_files", path: path, problem: "it is no PEM")
        let finding = CredentialAdvice(isUnits: true).findings([problem]).first
        #expect(finding?.text.hasSuffix("save the gateway's key from its portal as \(path)") == true)
        #expect(finding?.command == "systemctl restart refundd")
    }

    @Test func missingCertificatesAreNamedEachAndStayReadable() {
        let missing = CredentialFileError.missing.description
        let problems = ["gateway.ca_file", "webhook.ca_file"].map { key in
            CredentialProblem(key: key, path: "/etc/refundd/\(key).pem", problem: missing)
        }
        #expect(
            CredentialAdvice(isUnits: false).findings(problems).map(\.command) == [
                "install -m 644 gateway.ca_file.pem /etc/refundd/gateway.ca_file.pem",
                "install -m 644 webhook.ca_file.pem /etc/refundd/webhook.ca_file.pem",
            ]
        )
    }

    @Test func fileThatTheDaemonCannotReadHasTheCommandThatExposesNoSecret() throws {
        let folder = try TemporaryFolder()
        // Whoever runs the tests owns the files, and the daemon is neither the owner nor in the group.
        let daemon = ServiceUser(id: 54_321, group: 54_321)
        let files = try ["ca.pem", "app_private_key", "open.pem"].map { try folder.write("", to: $0) }
        for (file, mode) in zip(files, [0o600, 0o600, 0o644] as [mode_t]) {
            try #require(unsafe chmod(file, mode) == 0)
        }
        let found = CredentialAdvice.unreadable(Set(files), certificates: [files[0], files[2]], for: daemon)
        #expect(found.map(\.command) == ["chown 54321 \(files[1])", "chmod 644 \(files[0])"])
        #expect(found.last?.text == "user 54321, who runs refundd, cannot read \(files[0])")
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
