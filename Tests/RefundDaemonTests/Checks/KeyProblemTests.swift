import Glibc
import RefundTestSupport
import Testing

@testable import RefundDaemon

/// Keys that cannot work, which the daemon refuses as `check` does.
struct KeyProblemTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(TestKeys.appPrivatePEM, to: "app_private_key")
        try folder.write(TestKeys.appPublicPEM, to: "app_public_key")
        try folder.write(TestKeys.gatewayPublicPEM, to: "gateway_public_key")
        #expect(unsafe chmod(folder.path("app_private_key"), 0o600) == 0)
    }

    private func configure(_ publicKey: String) throws -> String {
        let text = """
            [database]
            path = "refundd.db"
            [gateway]
            url = "https://gateway.example"
            app_id = "wz0123456789abcdef"
            private_key_file = "app_private_key"
            public_key_files = ["\(publicKey)"]
            """
        return try folder.write(text, to: "refundd.conf")
    }

    @Test func keyThatTheUnitLacksIsNamedWhereItBelongsWithTheCommandThatPutsItThere() throws {
        let file = try configure("gateway_public_key")
        #expect(unsafe unlink(folder.path("app_private_key")) == 0)
        let configuration = try ConfigurationLoader.configuration(file: file, environment: [:])
        let unit = ServiceUnit(parsing: "LoadCredential=refundd:\(folder.path("credentials"))")
        let failure = #expect(throws: CommandFailure.self) {
            _ = try ConfigurationLoader.credentials(configuration, unit: unit)
        }
        let place = folder.path("credentials/app_private_key")
        let line =
            "\(file): gateway.private_key_file: \(place): the file does not exist; run: install -m 600"
            + " app_private_key \(place) && systemctl restart refundd"
        #expect(failure?.messages == [line])
    }

    @Test func ownPublicKeyInPlaceOfTheGatewaysIsRefusedAtStartAndAtReload() throws {
        let good = try LoadedConfiguration(file: configure("gateway_public_key"), environment: [:])
        let file = try configure("app_public_key")
        let refused = [
            { try LoadedConfiguration(file: file, environment: [:]) }, { try good.reloaded(environment: [:]) },
        ]
        for load in refused {
            let failure = #expect(throws: CommandFailure.self) { _ = try load() }
            #expect(failure?.status == .configuration)
            #expect(failure?.messages.first?.contains("gateway.public_key_files: this is the public half of") == true)
        }
    }
}
