import Foundation
import Glibc
import Testing

/// `refundd check`.
struct CheckTests {
    @Test(.endToEnd) func configurationOfTheSimulatorIsSound() async throws {
        try await withWorkspace { w in
            let check = try await w.refundd("check")
            #expect(check.exitCode == 0)
            #expect(check.errors.isEmpty)
            #expect(check.output.contains(w.configurationFile))
        }
    }

    /// How files are made that no key can be read from; `{}` stands for the file.
    private static let badPrivateKeys = [
        "true",
        "mkdir {}",
        "touch {}",
        "echo nonsense > {}",
        "openssl ecparam -name prime256v1 -genkey -noout -out {}",
        "openssl genrsa -traditional -out {} 1024",
        "openssl pkcs8 -topk8 -v2 aes256 -passout pass:x -in app_private_key -out {}",
        "openssl rsa -traditional -aes256 -passout pass:x -in app_private_key -out {}",
        "cp app_public_key {}",
        "cp ca.pem {}",
        "head -c 500 app_private_key > {}",
    ]

    private static let badPublicKeys = [
        "true",
        "mkdir {}",
        "touch {}",
        "echo nonsense > {}",
        "openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout -out {}",
        "openssl genrsa 1024 | openssl rsa -pubout -out {}",
        "cp app_private_key {}",
        "cp ca.pem {}",
        "head -c 200 gateway_public_key > {}",
    ]

    @Test(.endToEnd) func badKeyIsRefusedWithFileAndKeyNamed() async throws {
        try await withWorkspace { w in
            let cases =
                Self.badPrivateKeys.map { ("private_key_file", $0, "\"bad.pem\"") }
                + Self.badPublicKeys.map { ("public_key_files", $0, "[\"bad.pem\"]") }
            for (key, command, value) in cases {
                let good = key == "private_key_file" ? "\"app_private_key\"" : "[\"gateway_public_key\"]"
                try await w.make("bad.pem", command)
                try w.configure("gateway", [key: value])
                for arguments in [["check"], ["run"]] {
                    let check = try await w.run(
                        Programs.refundd,
                        arguments + ["--config", w.configurationFile]
                    )
                    #expect(check.exitCode == 78, "\(arguments) \(key): \(command)")
                    #expect(check.errors.contains("bad.pem"), "\(key), \(command): \(check.errors)")
                    #expect(check.errors.contains(key), "\(key), \(command): \(check.errors)")
                    #expect(check.errors.contains("refundd.conf"), "\(key), \(command): \(check.errors)")
                    #expect(!check.errors.contains("BEGIN"), "a key never reaches a message: \(check.errors)")
                }
                try w.configure("gateway", [key: good])
            }
        }
    }

    /// The forms in which portals and tools hand out keys.
    private static let goodKeys = [
        ("private_key_file", "openssl rsa -traditional -in app_private_key -out {}"),
        ("private_key_file", "openssl pkey -in app_private_key -outform DER | base64 -w0 > {}"),
        ("private_key_file", "openssl rsa -traditional -in app_private_key -outform DER | base64 > {}"),
        ("public_key_files", "openssl pkey -pubin -in gateway_public_key -outform DER | base64 -w0 > {}"),
        ("public_key_files", "openssl rsa -pubin -in gateway_public_key -RSAPublicKey_out -out {}"),
    ]

    @Test(.endToEnd) func everyFormOfAKeyIsRead() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            for (key, command) in Self.goodKeys {
                try await w.make("good.key", command)
                try w.configure("gateway", [key: key == "private_key_file" ? "\"good.key\"" : "[\"good.key\"]"])
                let check = try await w.refundd("check", "--online")
                #expect(check.exitCode == 0, "\(command): \(check.errors)")
                let good = key == "private_key_file" ? "\"app_private_key\"" : "[\"gateway_public_key\"]"
                try w.configure("gateway", [key: good])
            }
        }
    }

    @Test(.endToEnd) func everythingThatIsWrongIsSaidAtOnceWithItsPlace() async throws {
        try await withWorkspace { w in
            try w.configure("gateway", ["timeout": "\"soon\"", "max_in_flight": "0"])
            try w.configure("polling", ["jitterr": "0.5"])
            let check = try await w.refundd("check")
            #expect(check.exitCode == 78)
            for word in ["refundd.conf", "timeout", "soon", "max_in_flight", "jitterr"] {
                #expect(check.errors.contains(word), "\(word): \(check.errors)")
            }
            #expect(check.output.isEmpty)
        }
    }

    /// A section, its keys, and the words of the message.
    private static let badValues: [(section: String, key: String, value: String, words: [String])] = [
        ("gateway", "url", "\"http://gateway.example\"", ["url", "http"]),
        ("gateway", "app_id", "7", ["app_id"]),
        ("gateway", "public_key_files", "[]", ["public_key_files"]),
        ("gateway", "ca_file", "\"missing.pem\"", ["ca_file", "missing.pem"]),
        ("gateway", "max_queries_per_second", "0.0", ["max_queries_per_second"]),
        ("polling", "multiplier", "0.5", ["multiplier"]),
        ("polling", "jitter", "1.5", ["jitter"]),
        ("polling", "max_interval", "\"10\"", ["max_interval"]),
        ("webhook", "url", "\"mailto:x@example.com\"", ["url"]),
        ("webhook", "secret_files", "[\"app_public_key\"]", ["secret_files", "app_public_key"]),
        ("webhook", "events", "[\"refund.paid\"]", ["events", "refund.paid"]),
        ("webhook", "retry_schedule", "[\"5\"]", ["retry_schedule"]),
        ("webhook", "allow_hosts", "[\"10.0.0.0/99\"]", ["allow_hosts", "10.0.0.0/99"]),
        ("admin", "listen", "\"9464\"", ["listen"]),
        ("log", "level", "\"loud\"", ["level", "loud"]),
        ("log", "format", "\"xml\"", ["format", "xml"]),
        ("nonsense", "key", "1", ["nonsense"]),
    ]

    @Test(.endToEnd) func badValueIsRefusedWithFileKeyAndValue() async throws {
        try await withWorkspace { w in
            let good = w.configuration.text
            for bad in Self.badValues {
                try w.configure(bad.section, [bad.key: bad.value])
                let check = try await w.refundd("check")
                #expect(check.exitCode == 78, "\(bad)")
                #expect(check.errors.contains("refundd.conf"), "\(bad): \(check.errors)")
                for word in bad.words { #expect(check.errors.contains(word), "\(bad): \(check.errors)") }
                try w.replaceConfiguration(good)
            }
        }
    }

    @Test(.endToEnd) func urlForWebhooksNeedsASecret() async throws {
        try await withWorkspace { w in
            try w.configure("webhook", ["url": "\"https://shop.example/refunds\"", "secret_files": "[]"])
            let check = try await w.refundd("check")
            #expect(check.exitCode == 78)
            #expect(check.errors.contains("secret_files"))
        }
    }

    @Test(.endToEnd) func addressOfTheReceiverIsShownWithoutWhatMayBeAToken() async throws {
        try await withWorkspace { w in
            try w.configure("webhook", ["url": "\"https://shop.example/hooks/0a1b2c?key=3d4e5f\""])
            let check = try await w.refundd("check")
            #expect(check.exitCode == 0, "\(check.errors)")
            #expect(check.output.contains("webhooks: https://shop.example:443, 1 secret(s)"), "\(check.output)")
            for token in ["0a1b2c", "3d4e5f"] { #expect(!check.output.contains(token)) }
        }
    }

    @Test(.endToEnd) func missingMerchantIsAWarning() async throws {
        try await withWorkspace { w in
            let before = try await w.refundd("check")
            #expect(!before.output.contains("warning: gateway.merchant_no"))
            #expect(before.output.contains("warning: gateway.app_id is still the example's"), "\(before.output)")
            try w.configure("gateway", ["merchant_no": "\"\""])
            let check = try await w.refundd("check")
            #expect(check.exitCode == 0)
            #expect(check.output.contains("warning: gateway.merchant_no"), "\(check.output)")
            #expect(check.output.contains("every row"), "\(check.output)")
        }
    }

    /// Default receivers that the policy never delivers to.
    private static let unreachableReceivers = [
        "http://shop.example/TOKEN", "https://127.0.0.2/TOKEN", "https://[::1]/TOKEN", "https://10.1.2.3/TOKEN",
        "https://localhost:8443/TOKEN", "https://169.254.169.254/TOKEN", "https://[::ffff:10.1.2.3]/TOKEN",
        "http://8.8.8.8/TOKEN",
    ]

    @Test(.endToEnd) func receiverThatThePolicyRefusesIsAProblem() async throws {
        try await withWorkspace { w in
            try w.configure("webhook", ["allow_hosts": "[]"])
            for url in Self.unreachableReceivers {
                try w.configure("webhook", ["url": "\"\(url)\""])
                let check = try await w.refundd("check")
                #expect(check.exitCode == 78, "\(url)")
                #expect(check.errors.contains("refundd.conf: webhook.url: "), "\(url): \(check.errors)")
                #expect(!check.errors.contains("TOKEN"))
                #expect(check.output.isEmpty)
            }
            try w.configure("webhook", ["url": "\"http://10.1.2.3/TOKEN\"", "allow_hosts": "[\"10.0.0.0/8\"]"])
            #expect(try await w.refundd("check").exitCode == 0)
        }
    }

    @Test(.endToEnd) func ownPublicKeyInPlaceOfTheGatewaysIsAProblem() async throws {
        try await withWorkspace { w in
            for files in [["app_public_key"], ["gateway_public_key", "app_public_key"]] {
                try w.configure(
                    "gateway",
                    ["public_key_files": "[\(files.map { "\"\($0)\"" }.joined(separator: ", "))]"]
                )
                let check = try await w.refundd("check")
                #expect(check.exitCode == 78)
                #expect(check.errors.contains("refundd.conf: gateway.public_key_files"), "\(check.errors)")
                #expect(check.errors.contains("gateway.private_key_file"), "\(check.errors)")
            }
        }
    }

    @Test(.endToEnd) func readOnlyFileSystemIsAProblem() async throws {
        guard geteuid() == 0 else { return }
        try await withWorkspace { w in
            try await w.initDatabase()
            let script = """
                mkdir frozen && cp refundd.db frozen/ && mount -t tmpfs -o size=4m none frozen && cp refundd.db frozen/ && \
                mount -o remount,ro frozen && exec "$0" check --config refundd.conf
                """
            try w.configure("database", ["path": "\"frozen/refundd.db\""])
            let check = try await w.run("unshare", ["-m", "sh", "-c", script, Programs.refundd])
            #expect(check.exitCode == 74, "\(check.output)")
            #expect(check.errors.contains("refundd.conf: database.path: "), "\(check.errors)")
            #expect(check.errors.contains("is on a read-only file system"), "\(check.errors)")
        }
    }

    @Test(.endToEnd) func folderThatCannotBeWrittenIsAProblem() async throws {
        guard geteuid() == 0 else { return }
        try await withWorkspace { w in
            for file in ["app_private_key", "webhook_secret"] { try w.protect(file, 0o640) }
            _ = try await w.run("chgrp", ["nogroup", "app_private_key", "webhook_secret"])
            let arguments = ["--reuid=nobody", "--regid=nogroup", "--clear-groups", Programs.refundd, "check"]
            let check = try await w.run("setpriv", arguments + ["--config", w.configurationFile])
            #expect(check.errors.contains("user nobody cannot create files in \(w.folder.path)"), "\(check.errors)")
            #expect(check.exitCode != 0)
            #expect(check.output.isEmpty)
        }
    }

    @Test(.endToEnd) func fileInPlaceOfTheDatabaseIsAProblem() async throws {
        try await withWorkspace { w in
            try w.write(String(repeating: "this is no database\n", count: 100), to: "refundd.db")
            let check = try await w.refundd("check")
            #expect(check.exitCode == 74)
            #expect(check.errors.contains("database.path: "), "\(check.errors)")
        }
    }

    @Test(.endToEnd) func adminPortInUseIsAProblemUnlessTheOwnDaemonServesIt() async throws {
        try await withWorkspace { w in
            let port = try await w.freePort()
            try w.configure("admin", ["listen": "\"127.0.0.1:\(port)\""])
            try await w.startEverything()
            #expect(try await w.refundd("check").exitCode == 0)
            // The same address in the configuration of another daemon's queue.
            try w.configure("database", ["path": "\"other.db\""])
            let check = try await w.refundd("check")
            #expect(check.exitCode == 78)
            #expect(check.errors.contains("refundd.conf: admin.listen: "), "\(check.errors)")
            #expect(check.errors.contains("another program listens there"), "\(check.errors)")
        }
    }

    @Test(.endToEnd) func environmentOverridesAKey() async throws {
        try await withWorkspace { w in
            let check = try await w.refundd("check", environment: ["REFUNDD_GATEWAY_URL": "https://other.example"])
            #expect(check.exitCode == 0)
            #expect(check.output.contains("other.example"))
            let bad = try await w.refundd("check", environment: ["REFUNDD_POLLING_JITTER": "much"])
            #expect(bad.exitCode == 78)
            #expect(bad.errors.contains("REFUNDD_POLLING_JITTER"))
        }
    }

    @Test(.endToEnd) func bareNameIsLookedForAmongTheCredentialsFirst() async throws {
        try await withWorkspace { w in
            try FileManager.default.createDirectory(atPath: w.path("credentials"), withIntermediateDirectories: false)
            try await w.make("credentials/app_private_key", "echo nonsense > {}")
            let environment = ["CREDENTIALS_DIRECTORY": w.path("credentials")]
            let check = try await w.refundd("check", environment: environment)
            #expect(check.exitCode == 78)
            #expect(check.errors.contains("credentials/app_private_key"))
            try await w.make("credentials/app_private_key", "mv app_private_key {}")
            #expect(try await w.refundd("check", environment: environment).exitCode == 0)
        }
    }
}

extension Workspace {
    /// Makes a file anew, readable by nobody else, by a shell command in which `{}` stands for it.
    func make(_ name: String, _ command: String) async throws {
        let script = "umask 077; rm -rf {}; \(command)".replacing("{}", with: name)
        let made = try await run("/bin/sh", ["-c", script])
        try #require(made.exitCode == 0, "\(script): \(made.errors)")
    }
}
