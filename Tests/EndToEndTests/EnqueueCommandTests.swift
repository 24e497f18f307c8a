import Testing

/// `refundd init` and `refundd enqueue`.
struct EnqueueCommandTests {
    @Test(.endToEnd) func initPrintsAWorkingInsertAndCanRunAgain() async throws {
        try await withWorkspace(on: .every) { w in
            for _ in 1...2 {
                let made = try await w.refundd("init")
                #expect(made.exitCode == 0)
                let table = w.server == nil ? "refund_queue" : "refundd.refund_queue"
                let insert = made.output.split(separator: "\n").first { $0.hasPrefix("INSERT INTO \(table)") }
                #expect(insert != nil)
            }
            try await w.sql("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1001')")
            #expect(try await w.refundd("init").exitCode == 0)
            #expect(try await w.refund("R-1001")["state"].text == "pending")
            guard w.server == nil else { return }
            #expect(try await w.sql("PRAGMA journal_mode")[0]["journal_mode"].text == "wal")
        }
    }

    @Test(.endToEnd) func enqueueWritesEveryColumn() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.initDatabase()
            let enqueued = try await w.refundd(
                "enqueue",
                "--order",
                "R-1",
                "--trans-no",
                "4112",
                "--merchant",
                "312100007235",
                "--amount",
                "12.50",
                "--currency",
                "EUR",
                "--callback",
                "https://shop.example/r",
                "--metadata",
                #"{"cart":"c-9"}"#
            )
            #expect(enqueued.exitCode == 0, "\(enqueued.errors)")
            let row = try await w.refund("R-1")
            #expect(row["trans_no"].text == "4112")
            #expect(row["merchant_no"].text == "312100007235")
            #expect(row["gateway"].text == "default")
            #expect(row["expected_amount"].text == "12.50")
            #expect(row["expected_currency"].text == "EUR")
            #expect(row["callback_url"].text == "https://shop.example/r")
            #expect(row["metadata"].text == #"{"cart":"c-9"}"#)
            #expect(row["state"].text == "pending")
        }
    }

    @Test(.endToEnd) func enqueuingTwiceFails() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.initDatabase()
            #expect(try await w.refundd("enqueue", "--order", "R-1").exitCode == 0)
            let again = try await w.refundd("enqueue", "--order", "R-1")
            #expect(again.exitCode == 1)
            #expect(again.errors.contains("R-1"))
            #expect(again.output.isEmpty)
            #expect(try await w.sql("SELECT id FROM refund_queue").count == 1)
        }
    }

    @Test(.endToEnd) func rejectedInsertIsReportedWithoutDatabaseJargon() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.initDatabase()
            let refused: [(arguments: [String], words: [String])] = [
                (["--order", "R-1", "--metadata", "[1]"], ["metadata", "object"]),
                (["--order", "R-1", "--metadata", "cart"], ["metadata", "object"]),
                (["--order", "R 1"], ["merchant_order_no"]),
                (["--order", "R-1", "--amount", "12"], ["expected_currency"]),
                (["--order", "R-1", "--callback", "shop.example"], ["callback_url", "http"]),
            ]
            for (arguments, words) in refused {
                let enqueued = try await w.run(
                    Programs.refundd,
                    ["enqueue", "--config", w.configurationFile] + arguments
                )
                #expect(enqueued.exitCode == 1, "\(arguments)")
                for word in words { #expect(enqueued.errors.contains(word), "\(arguments): \(enqueued.errors)") }
                #expect(!enqueued.errors.contains("SQLite error"), "\(enqueued.errors)")
            }
            #expect(try await w.refundd("enqueue", "--metadata", "{}").exitCode == 64)
            #expect(try await w.sql("SELECT id FROM refund_queue").isEmpty)
        }
    }

    @Test(.endToEnd) func enqueuedRefundIsServedByARunningDaemon() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startEverything()
            #expect(try await w.refundd("enqueue", "--order", "OK-1").exitCode == 0)
            try await w.refund("OK-1", is: "settled")
            #expect(try await w.refundd("enqueue", "--trans-no", "41125").exitCode == 0)
            try await eventually("41125 settled") {
                try await w.sql("SELECT state FROM refund_queue WHERE trans_no = '41125'")[0]["state"].text == "settled"
            }
            // The gateway's other numbers are never written over what the application gave.
            #expect(try await w.refund("OK-1")["trans_no"] == .null)
        }
    }
}
