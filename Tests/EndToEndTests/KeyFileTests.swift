import Foundation
import Glibc
import Testing

/// Keys, secrets and certificates that others can read or change.
struct KeyFileTests {
    private static let exposed = [
        ("gateway.private_key_file", "app_private_key", 0o644, "is readable by others; run: chmod 600"),
        ("gateway.public_key_files", "gateway_public_key", 0o646, "is writable by others; run: chmod go-w"),
        ("gateway.ca_file", "ca.pem", 0o664, "is writable by its group; run: chmod go-w"),
        ("webhook.secret_files", "webhook_secret", 0o604, "is readable by others; run: chmod 600"),
    ]

    @Test(.endToEnd) func exposedFilesAreRefusedAllAtOnceWithCommandsThatMendThem() async throws {
        try await withWorkspace { w in
            for (_, name, mode, _) in Self.exposed { try w.protect(name, mode) }
            for command in ["check", "run"] {
                let refused = try await w.refundd(command)
                #expect(refused.exitCode == 78)
                let lines = refused.errors.split(separator: "\n").map(String.init)
                #expect(lines.count == Self.exposed.count)
                for (key, name, _, words) in Self.exposed {
                    let message = "\(w.configurationFile): \(key): \(w.path(name)): the file \(words) \(w.path(name))"
                    #expect(lines.contains("refundd: \(message)"), "\(message)\nis not in\n\(refused.errors)")
                }
            }
            for line in try await w.refundd("check").errors.split(separator: "\n") {
                let command = try #require(line.components(separatedBy: "run: ").last)
                #expect(try await w.run("/bin/sh", ["-c", command]).exitCode == 0)
            }
            #expect(try await w.refundd("check").exitCode == 0)
        }
    }

    @Test(.endToEnd) func keyThatAGroupMayReadIsAccepted() async throws {
        try await withWorkspace { w in
            try w.protect("app_private_key", 0o640)
            try w.protect("webhook_secret", 0o440)
            #expect(try await w.refundd("check").exitCode == 0)
        }
    }

    @Test(.endToEnd) func keyThatBecameReadableIsRefusedAtAReload() async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            let daemon = try #require(w.daemon)
            try w.protect("webhook_secret", 0o644)
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "chmod 600 \(w.path("webhook_secret"))")
            #expect(!daemon.errors.contains("configuration reloaded"))
            try w.protect("webhook_secret", 0o600)
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "configuration reloaded")
        }
    }

    @Test(
        .endToEnd,
        arguments: [
            ("true", "does not exist"),
            ("echo rubbish > {}", "holds no PEM certificate"),
            ("cp app_public_key {}", "holds no PEM certificate"),
            ("head -c 400 ca.pem > {}", "certificate number 1"),
            ("(cat ca.pem; head -c 400 ca.pem) > {}", "certificate number 2"),
        ]
    )
    func fileOfAuthoritiesThatCannotBeReadIsRefused(command: String, words: String) async throws {
        try await withWorkspace { w in
            try await w.make("bad.pem", command)
            for section in ["gateway", "webhook"] {
                try w.configure(section, ["ca_file": "\"bad.pem\""])
                let check = try await w.refundd("check")
                #expect(check.exitCode == 78)
                #expect(check.errors.contains("\(section).ca_file: \(w.path("bad.pem")): "), "\(check.errors)")
                #expect(check.errors.contains(words), "\(check.errors)")
            }
        }
    }

    @Test(.endToEnd) func secretOfTheReadmeIsAccepted() async throws {
        try await withWorkspace { w in
            let command = #"rm webhook_secret; (umask 077; echo "whsec_$(openssl rand -base64 32)" > webhook_secret)"#
            let made = try await w.run("/bin/sh", ["-c", command])
            #expect(made.exitCode == 0)
            let check = try await w.refundd("check")
            #expect(check.exitCode == 0, "\(check.errors)")
        }
    }
}
