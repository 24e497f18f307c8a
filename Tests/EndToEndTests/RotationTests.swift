import Foundation
import Testing

/// Keys and secrets that change while refunds are on their way.
struct RotationTests {
    @Test(.endToEnd) func webhookSecretChangesWithoutAWebhookThatCannotBeVerified() async throws {
        try await withWorkspace(slots: 2) { w in
            try w.writeSecret(to: "new_secret")
            let receiver = try await w.startReceiver(secrets: ["webhook_secret", "new_secret"])
            try w.configure("webhook", ["url": "\"\(receiver.url("slow/50"))\""])
            try await w.startEverything()

            let waves = [Self.orders("A"), Self.orders("B"), Self.orders("C"), Self.orders("D")]
            try await w.enqueue(waves[0])
            try await eventually("webhooks with the old secret") { try receiver.requests().count > 5 }
            try await w.reload("webhook", ["secret_files": #"["webhook_secret", "new_secret"]"#])
            try await w.enqueue(waves[1])
            // The receivers change over here, once nothing that was signed with the old secret alone is under way.
            try await eventually("every webhook of before") { try await w.delivered("A") == waves[0].count }
            try await w.enqueue(waves[2])
            try await eventually("webhooks with both") { try receiver.requests().contains { $0.signatures == 2 } }
            try await w.reload("webhook", ["secret_files": #"["new_secret"]"#])
            try await w.enqueue(waves[3])
            for wave in ["A", "B", "C", "D"] {
                try await eventually("all of \(wave)") { try await w.delivered(wave) == waves[0].count }
            }

            let requests = try receiver.requests()
            #expect(requests.count == 200, "none was refused or sent twice")
            #expect(requests.allSatisfy { $0.verified.contains(true) })
            // By which secrets each verifies, in order of arrival: "10" by the old one, "11" by both, "01" by the new one.
            let verified = requests.map { $0.verified.map { $0 ? "1" : "0" }.joined() }
            #expect(verified.contains("11"))
            let lastOld = try #require(verified.lastIndex(of: "10"))
            let firstNew = try #require(verified.firstIndex(of: "01"))
            #expect(lastOld < firstNew, "there is a moment at which a receiver can change over: \(verified)")
        }
    }

    @Test(.endToEnd) func gatewayKeyChangesWithoutAnAnswerThatDoesNotVerify() async throws {
        try await withWorkspace(slots: 2) { w in
            let port = try await w.startLoad()
            let oldKey = w.path("old_public_key.pem")
            try FileManager.default.copyItem(atPath: w.path("gateway_public_key"), toPath: oldKey)
            try await w.makeKey("new")

            try await w.enqueue(Self.orders("A") + Self.orders("B"))
            try await w.reload("gateway", ["public_key_files": #"["old_public_key.pem", "new_public_key.pem"]"#])
            try await w.untilQueriesInFlightHaveEnded()
            try await w.changeKeysOfTheGateway("cp new_private_key.pem gateway_private_key")
            try await w.enqueue(Self.orders("C") + Self.orders("D"))
            try await w.untilQueriesInFlightHaveEnded()
            try await w.reload("gateway", ["public_key_files": #"["new_public_key.pem"]"#])
            try await w.untilAllSettle(200)

            #expect(try await w.get("/metrics", port: port).body.contains(#"outcome="unverified"} 0"#))
            #expect(try await w.sql("SELECT id FROM refund_queue WHERE attention IS NOT NULL").isEmpty)
            // Both keys had their part: each ledger row's answer verifies with one of them.
            let rows = try await w.sql("SELECT hex(response) AS response FROM refund_transitions")
            let answers = rows.compactMap { $0["response"].text }
            func count(verifiedBy key: String) throws -> Int {
                try answers.filter { try Evidence(hexadecimal: $0, publicKey: key).isSigned }.count
            }
            let (old, new) = (try count(verifiedBy: oldKey), try count(verifiedBy: w.path("new_public_key.pem")))
            #expect(old > 0 && new > 0 && old + new == answers.count, "\(old) and \(new) of \(answers.count)")
        }
    }

    @Test(.endToEnd) func keyOfTheApplicationChangesWithoutAQueryThatIsRefused() async throws {
        try await withWorkspace(slots: 2) { w in
            let port = try await w.startLoad()
            try await w.makeKey("new")
            try await w.enqueue(Self.orders("A") + Self.orders("B"))
            try await w.changeKeysOfTheGateway("cp new_public_key.pem app_public_key_2")
            try await w.reload("gateway", ["private_key_file": "\"new_private_key.pem\""])
            try await w.untilQueriesInFlightHaveEnded()
            try await w.changeKeysOfTheGateway("mv app_public_key_2 app_public_key")
            try await w.enqueue(Self.orders("C") + Self.orders("D"))
            try await w.untilAllSettle(200)

            #expect(try w.asked().allSatisfy(\.isAccepted))
            #expect(try await w.get("/metrics", port: port).body.contains(#"outcome="credentials_refused"} 0"#))
            #expect(try await w.sql("SELECT id FROM refund_queue WHERE attention IS NOT NULL").isEmpty)
        }
    }

    private static func orders(_ wave: String) -> [String] { (1...50).map { "OK-\(wave)-\($0)" } }
}

extension Workspace {
    /// Starts simulator and daemon so that many queries are in flight at any moment.
    ///
    /// - Returns: The port of the admin address.
    fileprivate func startLoad() async throws -> Int {
        let port = try await freePort()
        try configure("admin", ["listen": "\"127.0.0.1:\(port)\""])
        try await startEverything(scenarios: "[prefixes.\"OK-\"]\nsettles_after_queries = 3\nlatency = \"150ms\"")
        return port
    }

    /// Makes a key pair for either side.
    func makeKey(_ name: String) async throws {
        try await make("\(name)_private_key.pem", "openssl genrsa -out {} 2048")
        try await make("\(name)_public_key.pem", "openssl rsa -in \(name)_private_key.pem -pubout -out {}")
    }

    /// Sets keys of a section and waits until the daemon has taken them over.
    func reload(_ section: String, _ values: [String: String]) async throws {
        let daemon = try #require(daemon)
        let before = daemon.errors.components(separatedBy: "configuration reloaded").count
        try configure(section, values)
        daemon.signal(SIGHUP)
        try await eventually("the reload: \(daemon.errors.suffix(500))") {
            daemon.errors.components(separatedBy: "configuration reloaded").count > before
        }
    }

    /// Changes files of the simulator's and waits until it uses them.
    fileprivate func changeKeysOfTheGateway(_ command: String) async throws {
        let simulator = try #require(simulator)
        let before = simulator.output.components(separatedBy: "keys reloaded").count
        try #require(try await run("/bin/sh", ["-c", command]).exitCode == 0)
        simulator.signal(SIGHUP)
        try await eventually("the simulator's new keys: \(simulator.output)") {
            simulator.output.components(separatedBy: "keys reloaded").count > before
        }
    }

    /// Waits until no query is under way that was sent before now.
    fileprivate func untilQueriesInFlightHaveEnded() async throws {
        let leases = "SELECT leased_until FROM refund_queue WHERE leased_until IS NOT NULL"
        let last = try await sql(leases).compactMap { $0["leased_until"].integer }.max() ?? 0
        try await eventually("the end of what was in flight") {
            try await sql("\(leases) AND leased_until <= \(last)").isEmpty
        }
    }

    fileprivate func untilAllSettle(_ count: Int) async throws {
        try await eventually("\(count) settled refunds", within: .seconds(90)) {
            try await sql("SELECT id FROM refund_queue WHERE state = 'settled'").count == count
        }
    }

    /// How many refunds of a wave have their webhook delivered.
    fileprivate func delivered(_ wave: String) async throws -> Int {
        try await sql(
            """
            SELECT w.id FROM refund_webhooks w JOIN refund_queue q ON q.id = w.refund_id
            WHERE w.state = 'delivered' AND merchant_order_no LIKE 'OK-\(wave)-%'
            """
        ).count
    }
}
