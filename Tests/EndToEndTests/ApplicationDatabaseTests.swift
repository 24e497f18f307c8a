import Foundation
import Testing

/// The queue inside an application's own database.
struct ApplicationDatabaseTests {
    @Test(.endToEnd) func refundIsEnqueuedInTheApplicationsOwnTransaction() async throws {
        try await withWorkspace { w in
            #expect(try await w.runPython("application.py", [w.database, "create"]).exitCode == 0)
            try await w.startEverything()

            #expect(try await w.runPython("application.py", [w.database, "cancel", "OK-B", "rollback"]).exitCode == 0)
            #expect(try await w.runPython("application.py", [w.database, "cancel", "OK-A", "commit"]).exitCode == 0)
            try await w.refund("OK-A", is: "settled")

            let orders = try await w.sql("SELECT number || ' ' || state AS row FROM orders ORDER BY number")
            #expect(orders.map { $0["row"].text } == ["OK-A cancelled", "OK-B paid"])
            #expect(try await w.sql("SELECT merchant_order_no FROM refund_queue").count == 1)
            #expect(try w.asked("OK-B").isEmpty)
        }
    }

    @Test(.endToEnd) func initLeavesWhatBelongsToTheApplication() async throws {
        try await withWorkspace { w in
            #expect(try await w.runPython("application.py", [w.database, "create"]).exitCode == 0)
            try await w.initDatabase()
            let pragmas = try await w.sql(
                "SELECT user_version, application_id FROM pragma_user_version, pragma_application_id"
            )
            #expect(pragmas[0]["user_version"].integer == 7)
            #expect(pragmas[0]["application_id"].integer == 4711)
            let names = try await w.sql(
                "SELECT name FROM sqlite_master WHERE tbl_name NOT GLOB 'refund_*' AND name NOT GLOB 'sqlite_*'"
            )
            #expect(names.map { $0["name"].text } == ["orders"])
            let mode = try await w.sql("PRAGMA journal_mode")
            #expect(mode[0]["journal_mode"].text == "wal")
        }
    }

    @Test(
        .endToEnd,
        arguments: [
            "INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1') ON CONFLICT DO NOTHING",
            "INSERT OR IGNORE INTO refund_queue (merchant_order_no) VALUES ('R-1')",
            "INSERT INTO refund_queue (trans_no) VALUES ('4112') ON CONFLICT DO NOTHING",
            """
            INSERT OR IGNORE INTO refund_queue (merchant_order_no, merchant_no, gateway) VALUES ('R-1', '3121', 'second')
            """,
        ]
    )
    func enqueueingTwiceIsIdempotent(insert: String) async throws {
        try await withWorkspace { w in
            try await w.initDatabase()
            for _ in 1...3 { try await w.sql(insert) }
            #expect(try await w.sql("SELECT id FROM refund_queue").count == 1)
            let plain = insert.replacing(" ON CONFLICT DO NOTHING", with: "").replacing(" OR IGNORE", with: "")
            #expect(try await w.shell(plain).errors.contains("UNIQUE"))
        }
    }

    @Test(.endToEnd) func sameOrderOfAnotherMerchantOrGatewayIsAnotherRefund() async throws {
        try await withWorkspace { w in
            try await w.initDatabase()
            try await w.sql(
                """
                INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1');
                INSERT INTO refund_queue (merchant_order_no, merchant_no) VALUES ('R-1', '312100007235');
                INSERT INTO refund_queue (merchant_order_no, gateway) VALUES ('R-1', 'second');
                """
            )
            #expect(try await w.sql("SELECT id FROM refund_queue").count == 3)
        }
    }
}
