import Foundation
import Testing

/// The main job, at a size where refunds can get into each other's way.
struct ManyRefundsTests {
    /// What a prefix of the simulator implies for each of its refunds.
    private struct Story {
        let prefix: String
        let count: Int
        var columns = ""
        var values = ""
        let state: String
        var attention: String?
        /// The queries until the state is reached; nil when it is never final and the queries go on.
        var attempts: Int64?
        let ledger: [String]
        var webhooks: [String] = []
    }

    private static let stories = [
        Story(
            prefix: "OK",
            count: 60,
            state: "settled",
            attempts: 1,
            ledger: ["pending>settled"],
            webhooks: ["refund.settled"]
        ),
        Story(
            prefix: "OK3",
            count: 30,
            state: "settled",
            attempts: 3,
            ledger: ["pending>processing", "processing>settled"],
            webhooks: ["refund.settled"]
        ),
        Story(
            prefix: "FAIL",
            count: 25,
            state: "failed",
            attempts: 1,
            ledger: ["pending>failed"],
            webhooks: ["refund.failed"]
        ),
        Story(
            prefix: "FAIL3",
            count: 10,
            state: "failed",
            attempts: 3,
            ledger: ["pending>processing", "processing>failed"],
            webhooks: ["refund.failed"]
        ),
        Story(
            prefix: "CANCEL",
            count: 20,
            state: "failed",
            attempts: 1,
            ledger: ["pending>failed"],
            webhooks: ["refund.failed"]
        ),
        Story(
            prefix: "LATE",
            count: 15,
            state: "settled",
            attempts: 3,
            ledger: ["pending>settled"],
            webhooks: ["refund.settled"]
        ),
        Story(
            prefix: "LATE3",
            count: 10,
            state: "settled",
            attempts: 4,
            ledger: ["pending>settled"],
            webhooks: ["refund.settled"]
        ),
        Story(
            prefix: "MISMATCH",
            count: 10,
            columns: ", expected_amount, expected_currency",
            values: ", '1200', 'JPY'",
            state: "processing",
            attention: "mismatch",
            attempts: 1,
            ledger: ["pending>processing", "processing>processing!mismatch"],
            webhooks: ["refund.needs_attention"]
        ),
        Story(prefix: "UNKNOWN", count: 5, state: "pending", ledger: []),
        Story(prefix: "NEVER", count: 5, state: "processing", ledger: ["pending>processing"]),
        Story(prefix: "HTTP503", count: 5, state: "pending", ledger: []),
        Story(prefix: "BADSIGN", count: 3, state: "pending", ledger: []),
        Story(prefix: "UNSIGNED", count: 2, state: "pending", ledger: []),
    ]

    @Test(.endToEnd) func everyRefundOfAMixEndsAsItsScenarioSays() async throws {
        try await withWorkspace(on: .every, slots: 2) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startEverything()

            // Ten shells insert at the same time while the daemon works, a transaction each row.
            let shells = try (0..<10).map { batch in
                let inserts = Self.stories.flatMap { story in
                    (0..<story.count).filter { $0 % 10 == batch }.map { number in
                        """
                        INSERT INTO refund_queue (merchant_order_no, metadata\(story.columns))
                        VALUES ('\(story.prefix)-\(number)', '{"n":\(number)}'\(story.values));
                        """
                    }
                }
                return try w.startShell(inserts.joined(separator: "\n"))
            }
            for shell in shells { #expect(try await shell.exitCode() == 0, "\(shell.errors)") }

            let webhooks = Self.stories.reduce(0) { $0 + $1.count * $1.webhooks.count }
            try await eventually("\(webhooks) webhooks delivered", within: .seconds(60)) {
                try await w.sql("SELECT count(*) AS n FROM refund_webhooks WHERE state = 'delivered'")[0]["n"].integer
                    == Int64(webhooks)
            }
            for story in Self.stories where story.attempts == nil {
                try await w.refund("\(story.prefix)-0") { ($0["attempts"].integer ?? 0) >= 3 }
            }
            try await eventually("every scenario has ended") { try await unfinished(in: w).isEmpty }
            let daemon = try #require(w.daemon)
            daemon.signal(SIGTERM)
            #expect(try await daemon.exitCode() == 0)

            let asked = Dictionary(grouping: try w.asked(), by: \.number).mapValues { Int64($0.count) }
            for story in Self.stories { try await check(story, asked, in: w) }
            try await checkLedger(of: w)
            try await checkWebhooks(of: w, at: receiver)
        }
    }

    /// The stories with a refund that is not yet in the story's state.
    private func unfinished(in w: Workspace) async throws -> [String] {
        let rows = try await w.sql("SELECT merchant_order_no, state, attention FROM refund_queue")
        return Self.stories.filter { story in
            rows.filter { row in
                row["merchant_order_no"].text?.hasPrefix("\(story.prefix)-") == true && row["state"].text == story.state
                    && row["attention"].text == story.attention
            }.count != story.count
        }.map(\.prefix)
    }

    private func check(_ story: Story, _ asked: [String: Int64], in w: Workspace) async throws {
        let rows = try await w.sql(
            """
            SELECT q.*, (SELECT \(w.joined("step")) FROM (SELECT from_state || '>' || to_state ||
                coalesce('!' || t.attention, '') AS step FROM refund_transitions t WHERE t.refund_id = q.id
                ORDER BY sequence) s) AS ledger,
                (SELECT \(w.joined("type")) FROM (SELECT type FROM refund_webhooks h WHERE h.refund_id = q.id
                ORDER BY sequence) h) AS webhooks
            FROM refund_queue q WHERE merchant_order_no LIKE '\(story.prefix)-%'
            """
        )
        #expect(rows.count == story.count)
        for row in rows {
            let order = row["merchant_order_no"].text ?? ""
            #expect(row["state"].text == story.state, "\(order)")
            #expect(row["attention"].text == story.attention, "\(order)")
            if let attempts = story.attempts { #expect(row["attempts"].integer == attempts, "\(order)") }
            #expect(row["attempts"].integer == asked[order], "\(order): the simulator's count")
            #expect(row["ledger"].text ?? "" == story.ledger.joined(separator: " "), "\(order)")
            #expect(row["webhooks"].text ?? "" == story.webhooks.joined(separator: " "), "\(order)")
            let isWell = story.attention == nil && (story.attempts != nil || story.prefix == "NEVER")
            #expect((row["last_error"] == .null) == isWell, "\(order)")
            switch story.prefix {
            case "FAIL", "FAIL3": #expect(row["failure_code"].text == "TS-D2012", "\(order)")
            case "CANCEL": #expect(row["failure_code"].text == "cancelled", "\(order)")
            default: #expect(row["failure_code"] == .null, "\(order)")
            }
        }
    }

    /// Every chain is whole, and every row of it keeps an answer that the gateway signed and that says so.
    private func checkLedger(of w: Workspace) async throws {
        let rows = try await w.sql(
            """
            SELECT t.*, \(w.hex("t.response")) AS evidence, q.merchant_order_no,
                lag(t.to_state, 1, 'pending') OVER (PARTITION BY refund_id ORDER BY sequence) AS before,
                row_number() OVER (PARTITION BY refund_id ORDER BY sequence) AS expected
            FROM refund_transitions t JOIN refund_queue q ON q.id = t.refund_id
            """
        )
        #expect(rows.count == Self.stories.reduce(0) { $0 + $1.count * $1.ledger.count })
        for row in rows {
            let order = row["merchant_order_no"].text ?? ""
            #expect(row["sequence"] == row["expected"], "\(order)")
            #expect(row["from_state"] == row["before"], "\(order)")
            #expect(row["actor"].text == "refundd", "\(order)")
            let evidence = try Evidence(
                hexadecimal: row["evidence"].text ?? "",
                publicKey: w.path("gateway_public_key")
            )
            #expect(evidence.isSigned, "\(order)")
            #expect(evidence.psn == row["psn"].text, "\(order)")
            #expect(row["code"].text == "0", "\(order)")
            let data = try evidence.data
            #expect(data["merchant_order_no"].text == order)
            #expect(data["trans_status"] == row["trans_status"], "\(order)")
            let said = data["trans_status"].integer ?? -1
            switch row["to_state"].text {
            case "settled": #expect(said == 2, "\(order)")
            case "failed": #expect([1, 3].contains(said), "\(order)")
            default: #expect(order.hasPrefix("MISMATCH-") ? said == 2 : [0, 9].contains(said), "\(order)")
            }
        }
    }

    private func checkWebhooks(of w: Workspace, at receiver: Receiver) async throws {
        let rows = try await w.sql(
            """
            SELECT w.id, \(w.text("w.body")) AS body, w.sequence, w.type, q.merchant_order_no, q.metadata FROM refund_webhooks w
            JOIN refund_queue q ON q.id = w.refund_id
            """
        )
        let received = try receiver.requests()
        #expect(received.count == rows.count)
        let byID = Dictionary(received.map { ($0.id, $0) }) { first, _ in first }
        #expect(byID.count == received.count, "each id once")
        for row in rows {
            let order = row["merchant_order_no"].text ?? ""
            let webhook = try #require(byID[row["id"].text ?? ""], "\(order)")
            #expect(webhook.isVerified, "\(order)")
            #expect(webhook.body == row["body"].text, "\(order)")
            #expect(webhook.type == row["type"].text, "\(order)")
            #expect(webhook.data["merchant_order_no"].text == order)
            #expect(webhook.data["sequence"] == row["sequence"], "\(order)")
            #expect(try webhook.data["metadata"] == JSON(parsing: row["metadata"].text ?? ""), "\(order)")
        }
    }
}
