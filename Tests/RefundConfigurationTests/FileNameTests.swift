import FoundationEssentials
import RefundConfiguration
import RefundCore
import Testing

struct FileNameTests {
    private static let text = Sample.text(
        gateway: [
            "private_key_file": #""app_private_key""#, "public_key_files": #"["keys/old", "gateway_public_key"]"#,
        ],
        adding: """
            ca_file = "../ca.pem"
            [database]
            path = "refundd.db"
            [webhook]
            secret_files = ["secret", "/etc/keys/secret"]
            ca_file = "hooks.pem"
            """
    )

    @Test func relativeNameIsInTheFolderOfTheFile() throws {
        try Sample.within { sample in
            try sample.write(Self.text.utf8)
            let configuration = try Configuration.load(file: sample.file, environment: ["CREDENTIALS_DIRECTORY": ""])
            let gateway = try #require(configuration.gateways["default"])
            #expect(configuration.file == sample.file)
            #expect(configuration.database.path == sample.folder + "/refundd.db")
            #expect(gateway.privateKeyFile == sample.folder + "/app_private_key")
            #expect(gateway.publicKeyFiles == [sample.folder + "/keys/old", sample.folder + "/gateway_public_key"])
            #expect(gateway.caFile == sample.folder + "/../ca.pem")
            #expect(configuration.webhook.secretFiles == [sample.folder + "/secret", "/etc/keys/secret"])
            #expect(configuration.webhook.caFile == sample.folder + "/hooks.pem")
        }
    }

    @Test func bareNameIsLookedUpAmongTheCredentialsFirst() throws {
        try Sample.within { sample in
            try sample.write(Self.text.utf8)
            for name in ["app_private_key", "secret", "keys/old", "refundd.db"] {
                try sample.write([], to: "credentials/\(name)")
                try sample.write([], to: name)
            }
            let credentials = sample.folder + "/credentials"
            let configuration = try Configuration.load(
                file: sample.file,
                environment: ["CREDENTIALS_DIRECTORY": credentials]
            )
            let gateway = try #require(configuration.gateways["default"])
            #expect(gateway.privateKeyFile == credentials + "/app_private_key")
            #expect(configuration.webhook.secretFiles == [credentials + "/secret", "/etc/keys/secret"])
            // Missing there, not bare, and writable.
            #expect(gateway.publicKeyFiles == [sample.folder + "/keys/old", sample.folder + "/gateway_public_key"])
            #expect(configuration.database.path == sample.folder + "/refundd.db")
        }
    }

    @Test func filesOfAServersConnectionAreFoundTheSameWay() throws {
        let text = Sample.text(adding: "[database]\nurl = \"postgresql://db/\"\npassword_file = \"password\"")
        try Sample.within { sample in
            try sample.write(text.utf8)
            let password = try sample.write([], to: "run/refundd_password")
            let environment = ["CREDENTIALS_DIRECTORY": sample.folder + "/run"]
            let database = try Configuration.load(file: sample.file, environment: environment).database
            #expect(database.passwordFile == password)
            let files = try #require(database.files)
            #expect(files.path(of: "password", isCredential: true) == password)
            #expect(files.path(of: "keys/key.pem", isCredential: true) == sample.folder + "/keys/key.pem")
        }
    }

    @Test func credentialsLoadedAsAFolderKeepTheirNames() throws {
        try Sample.within { sample in
            try sample.write(Self.text.utf8)
            for name in ["refundd_app_private_key", "refundd_secret", "secret"] {
                try sample.write([], to: "run/\(name)")
            }
            try sample.write([], to: "app_private_key")
            let run = sample.folder + "/run"
            let configuration = try Configuration.load(file: sample.file, environment: ["CREDENTIALS_DIRECTORY": run])
            let gateway = try #require(configuration.gateways["default"])
            #expect(gateway.privateKeyFile == run + "/refundd_app_private_key")
            // A credential that the unit names by itself comes first.
            #expect(configuration.webhook.secretFiles == [run + "/secret", "/etc/keys/secret"])
        }
    }

    @Test func bareNameIsLookedUpInTheFolderCredentialsLast() throws {
        try Sample.within { sample in
            try sample.write(Self.text.utf8)
            for name in ["app_private_key", "gateway_public_key", "keys/old", "refundd.db"] {
                try sample.write([], to: "credentials/\(name)")
            }
            try sample.write([], to: "gateway_public_key")
            let configuration = try Configuration.load(file: sample.file, environment: [:])
            let gateway = try #require(configuration.gateways["default"])
            #expect(gateway.privateKeyFile == sample.folder + "/credentials/app_private_key")
            // Present in the folder itself, not bare, found nowhere, and writable.
            #expect(gateway.publicKeyFiles == [sample.folder + "/keys/old", sample.folder + "/gateway_public_key"])
            #expect(configuration.webhook.secretFiles == [sample.folder + "/secret", "/etc/keys/secret"])
            #expect(configuration.database.path == sample.folder + "/refundd.db")
        }
    }

    @Test func filesNeedNotExist() throws {
        #expect(try Sample.problems(Self.text).isEmpty)
    }
}
