import Foundation
import Testing

/// Keys and secrets anywhere but in their own files.
struct SecretLeakTests {
    /// The commands that show something; each runs for a terminal and, where it can, for a program.
    private static let commands: [[String]] = [
        ["init"], ["check"], ["check", "--online"], ["list"], ["list", "--json"], ["status"], ["status", "--json"],
        ["show", "OK-1"], ["show", "OK-1", "--json"], ["show", "HTTP503-1", "--json"], ["show", "nothing"],
        ["enqueue", "--order", "OK-2", "--metadata", #"{"a":1}"#], ["enqueue", "--order", "OK-1"],
        ["query", "OK-1"], ["query", "HTTP503-1"], ["abandon", "HTTP503-1", "--reason", "x"],
        ["resolve", "OK-1", "--as", "failed", "--reason", "x"], ["webhooks"], ["webhooks", "--json"],
        ["redeliver", "--since", "1h"], ["backup", "copy.db"], ["verify"], ["verify", "--json"],
        ["events"], ["doctor"], ["doctor", "--json"], ["evidence", "OK-1", "--to", "evidence"],
    ]

    @Test(.endToEnd, arguments: ["text", "json"]) func nothingThatARunLeavesBehindHoldsASecret(
        format: String
    ) async throws {
        try await withWorkspace { w in
            let secrets = try Secrets(in: w)
            let receiver = try await w.startReceiver()
            let port = try await w.freePort()
            try w.configure("admin", ["listen": "\"127.0.0.1:\(port)\""])
            try w.configure("log", ["level": "\"trace\"", "format": "\"\(format)\""])
            try w.configure("webhook", ["url": "\"\(receiver.url("fail/1"))\""])
            try await w.startEverything()
            let daemon = try #require(w.daemon)
            for order in ["OK-1", "HTTP503-1", "BADSIGN-1"] { try await w.enqueue(order) }
            try await eventually("the webhook") {
                try await w.webhooks("OK-1").map { $0["state"].text } == ["delivered"]
            }
            try await w.refund("HTTP503-1") { $0["last_error"] != .null }
            for command in Self.commands {
                _ = try await w.run(Programs.refundd, command + ["--config", w.configurationFile])
            }
            for page in ["metrics", "readyz", "healthz"] {
                try w.write(try await w.get("/\(page)", port: port).body, to: "page-\(page)")
            }
            for file in ["cmdline", "environ", "comm"] {
                let content = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(daemon.id)/\(file)"))
                try content.write(to: w.folder.appendingPathComponent("process-\(file)"))
            }
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "configuration reloaded")

            try await w.makeBrokenKeys()
            for key in Self.brokenKeys {
                try w.configure(key.section, [key.name: key.value])
                for command in ["check", "run"] { #expect(try await w.refundd(command).exitCode == 78) }
                daemon.signal(SIGHUP)
                try await daemon.waitForErrors(containing: key.file)
                try w.configure(key.section, [key.name: key.good])
            }
            let found = try secrets.search(in: w)
            #expect(found.searched.contains("refundd.db-wal"))
            #expect(found.searched.count > 2 * Self.commands.count)
            #expect(found.leaks.isEmpty)
            #expect(!daemon.errors.isEmpty)
        }
    }

    private static let brokenKeys: [(section: String, name: String, file: String, value: String, good: String)] = [
        ("gateway", "private_key_file", "cut.pem", "\"cut.pem\"", "\"app_private_key\""),
        ("gateway", "private_key_file", "long.pem", "\"long.pem\"", "\"app_private_key\""),
        ("gateway", "public_key_files", "swapped.pem", "[\"swapped.pem\"]", "[\"gateway_public_key\"]"),
        ("webhook", "secret_files", "cut_secret", "[\"cut_secret\"]", "[\"webhook_secret\"]"),
        ("webhook", "secret_files", "bare_secret", "[\"bare_secret\"]", "[\"webhook_secret\"]"),
    ]
}

extension Workspace {
    /// Makes files in which a key or a secret is recognisable and yet refused.
    fileprivate func makeBrokenKeys() async throws {
        try await make("cut.pem", "head -c 900 app_private_key > {}")
        try await make("long.pem", "(cat app_private_key; echo more) > {}")
        try await make("swapped.pem", "cp app_private_key {}")
        try await make("cut_secret", "head -c 40 webhook_secret > {}")
        try await make("bare_secret", "cut -c 7- webhook_secret > {}")
    }
}

/// What must be found nowhere.
private struct Secrets {
    /// The files that keys and secrets belong in: those that were there before anything ran, and broken copies.
    private let homes: Set<String>
    private let needles: [(name: String, bytes: Data)]

    init(in w: Workspace) throws {
        let broken = ["cut.pem", "long.pem", "swapped.pem", "cut_secret", "bare_secret"]
        homes = Set(try FileManager.default.contentsOfDirectory(atPath: w.folder.path) + broken)
            .subtracting(["refundd.conf"])
        let secret = try String(contentsOfFile: w.path("webhook_secret"), encoding: .utf8).dropFirst(6).dropLast()
        let key = try #require(Data(base64Encoded: String(secret)))
        let pem = try String(contentsOfFile: w.path("app_private_key"), encoding: .utf8)
        let lines = pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }
        let der = try #require(Data(base64Encoded: lines.joined()))
        // A piece is enough to tell.
        var needles = Self.spellings("the webhook secret", key)
        needles.append(("the webhook secret's base64", Data(secret.prefix(24).utf8)))
        for line in lines where line.count >= 32 { needles.append(("the private key's base64", Data(line.utf8))) }
        for start in stride(from: 0, to: der.count - 24, by: 24) {
            needles += Self.spellings("the private key", der[(der.startIndex + start)...].prefix(24))
        }
        self.needles = needles
        for home in ["webhook_secret", "app_private_key"] {
            let content = try Data(contentsOf: w.folder.appendingPathComponent(home))
            try #require(needles.contains { content.range(of: $0.bytes) != nil }, "\(home) is recognised")
        }
    }

    /// The bytes, and as hexadecimal text of either case.
    private static func spellings(_ name: String, _ bytes: Data) -> [(name: String, bytes: Data)] {
        let digits = bytes.map { String(format: "%02x", $0) }.joined()
        return [
            (name, Data(bytes)), ("\(name) in hexadecimal", Data(digits.utf8)),
            ("\(name) in hexadecimal", Data(digits.uppercased().utf8)),
        ]
    }

    /// Looks through every file in the folder that is not the home of a secret.
    func search(in w: Workspace) throws -> (searched: [String], leaks: [String]) {
        var searched: [String] = []
        var leaks: [String] = []
        for file in try FileManager.default.subpathsOfDirectory(atPath: w.folder.path).sorted()
        where !homes.contains(file) {
            guard let content = FileManager.default.contents(atPath: w.path(file)) else { continue }
            searched.append(file)
            for needle in needles where content.range(of: needle.bytes) != nil {
                leaks.append("\(file): \(needle.name)")
            }
        }
        return (searched, leaks)
    }
}
