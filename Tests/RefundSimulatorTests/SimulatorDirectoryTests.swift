import Foundation
import RefundCrypto
import RefundSimulator
import RefundTestSupport
import Testing

struct SimulatorDirectoryTests {
    @Test
    func everythingNeededIsWrittenAndFits() async throws {
        let directory = try TemporaryFolder()
        let target = SimulatorDirectory(path: directory.path("new/one"))
        let files = try target.write(port: 9_443, usesTLS: true, replacesFiles: false)
        #expect(
            Set(files.map(\.name)) == [
                "app_private_key", "app_public_key", "gateway_private_key", "gateway_public_key",
                "ca.pem", "server.pem", "server_key.pem", "webhook_secret", "refundd.conf", "scenarios.toml",
            ]
        )
        for (privateName, publicName) in [
            ("app_private_key", "app_public_key"), ("gateway_private_key", "gateway_public_key"),
        ] {
            let privateKey = try RSAPrivateKey(text: Array(directory.text("new/one/\(privateName)").utf8))
            let publicKey = try RSAPublicKey(text: Array(directory.text("new/one/\(publicName)").utf8))
            #expect(publicKey.isValid(signature: try privateKey.signature(of: [1]), for: [1]))
        }
        for name in ["app_private_key", "gateway_private_key", "server_key.pem", "webhook_secret"] {
            #expect(try directory.mode("new/one/\(name)") == 0o600, "\(name)")
        }
        let secret = try directory.text("new/one/webhook_secret")
        #expect(secret.hasPrefix("whsec_") && secret.hasSuffix("\n"))
        #expect(Base64.decoded(secret.dropFirst(6).dropLast())?.count == 32)

        let configuration = try SimulatorConfiguration(directory: target)
        #expect(configuration.port == 9_443)
        #expect(configuration.identity != nil)
        #expect(configuration.appID == SimulatorConfiguration.exampleAppID)
        #expect(configuration.scenarios.orders["R-1009"]?.ending == Scenario.defaultFailure)
    }

    @Test
    func credentialsHaveTheNamesThatTheExampleConfigurationExpects() async throws {
        let example = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../refundd.conf.example")
        let text = try String(contentsOf: example.standardizedFileURL, encoding: .utf8)
        let folder = try TemporaryFolder()
        let target = SimulatorDirectory(path: folder.path)
        let names = try target.write(port: 8_443, usesTLS: true, replacesFiles: false).map(\.name)
        for key in ["private_key_file = \"", "public_key_files = [\""] {
            let value = try #require(text.split(separator: key, maxSplits: 1).dropFirst().first, "\(key)")
            #expect(names.contains(String(value.prefix { $0 != "\"" })), "\(key)")
        }
    }

    @Test
    func certificateIsOneOpenSSLTrusts() async throws {
        let directory = try TemporaryFolder()
        _ = try SimulatorDirectory(path: directory.path).write(port: 8_443, usesTLS: true, replacesFiles: false)
        for option in ["-verify_hostname=localhost", "-verify_ip=127.0.0.1", "-verify_ip=::1"] {
            let parts = option.split(separator: "=").map(String.init)
            let result = try await TestProcess.run(
                [
                    "openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", directory.path("ca.pem"),
                    parts[0], parts[1], directory.path("server.pem"),
                ],
                in: directory
            )
            #expect(result.status == 0, "\(option): \(result.output)")
        }
        let other = try await TestProcess.run(
            [
                "openssl", "verify", "-CAfile", directory.path("ca.pem"), "-verify_hostname", "example.com",
                directory.path("server.pem"),
            ],
            in: directory
        )
        #expect(other.status != 0)
    }

    @Test
    func nothingIsOverwrittenWithoutForce() throws {
        let directory = try TemporaryFolder()
        let target = SimulatorDirectory(path: directory.path)
        _ = try directory.write(Array("mine".utf8), to: "webhook_secret")
        let error = #expect(throws: SimulatorError.self) {
            try target.write(port: 1, usesTLS: false, replacesFiles: false)
        }
        #expect(error?.description.contains("webhook_secret exists") == true)
        #expect(error?.description.contains("--force") == true)
        #expect(throws: (any Error).self) { try directory.text("refundd.conf") }

        _ = try target.write(port: 1, usesTLS: false, replacesFiles: true)
        #expect(try directory.text("webhook_secret").hasPrefix("whsec_"))
        #expect(try directory.mode("webhook_secret") == 0o600)
    }

    @Test
    func withoutTLSThereAreNoCertificates() throws {
        let directory = try TemporaryFolder()
        let target = SimulatorDirectory(path: directory.path)
        let files = try target.write(port: 8_080, usesTLS: false, replacesFiles: false)
        #expect(!files.map(\.name).contains("ca.pem"))
        #expect(try directory.text("refundd.conf").contains("url = \"http://127.0.0.1:8080\""))
        let configuration = try SimulatorConfiguration(directory: target)
        #expect(configuration.identity == nil)
        #expect(configuration.port == 8_080)

        let error = #expect(throws: SimulatorError.self) {
            try SimulatorConfiguration(directory: target, usesTLS: true)
        }
        #expect(error?.description.contains("server.pem") == true)
    }

    @Test
    func gatewayElsewhereIsNotTakenForTheSimulator() throws {
        let directory = try TemporaryFolder()
        let target = SimulatorDirectory(path: directory.path)
        _ = try target.write(port: 8_080, usesTLS: false, replacesFiles: false)
        let text = try directory.text("refundd.conf").replacing("http://127.0.0.1:8080", with: "https://example.com:99")
        _ = try directory.write(Array(text.utf8), to: "refundd.conf")
        #expect(try SimulatorConfiguration(directory: target, usesTLS: false).port == 8_443)
    }

    @Test
    func missingOrDamagedKeyIsNamed() throws {
        let directory = try TemporaryFolder()
        let target = SimulatorDirectory(path: directory.path)
        let missing = #expect(throws: SimulatorError.self) { try SimulatorConfiguration(directory: target) }
        #expect(missing?.description.contains("app_public_key: cannot open the file") == true)

        _ = try target.write(port: 1, usesTLS: false, replacesFiles: false)
        _ = try directory.write(Array("no key".utf8), to: "gateway_private_key")
        let damaged = #expect(throws: SimulatorError.self) { try SimulatorConfiguration(directory: target) }
        #expect(damaged?.description.contains("gateway_private_key: ") == true)
    }
}
