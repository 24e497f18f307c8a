import Testing

/// Which refund a command is about.
struct SelectionTests {
    private func withQueue(_ body: (Workspace) async throws -> Void) async throws {
        try await withWorkspace(on: .every) { w in
            try await w.initDatabase()
            try await w.sql(
                """
                INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1');
                INSERT INTO refund_queue (merchant_order_no, trans_no) VALUES ('R-2', '4112');
                INSERT INTO refund_queue (merchant_order_no, merchant_no) VALUES ('R-1', '3121');
                INSERT INTO refund_queue (merchant_order_no, gateway) VALUES ('R-1', 'second');
                INSERT INTO refund_queue (merchant_order_no) VALUES ('4113');
                INSERT INTO refund_queue (trans_no) VALUES ('4113');
                INSERT INTO refund_queue (merchant_order_no) VALUES ('42');
                """
            )
            try await body(w)
        }
    }

    @Test(
        .endToEnd,
        arguments: [
            (["R-2"], 2), (["4112"], 2), (["#2"], 2), (["--id", "2"], 2), (["4113"], 5), (["42"], 7),
            (["R-1", "--gateway", "second"], 4), (["R-1", "--merchant", "3121"], 3),
            (["R-1", "--gateway", "default", "--merchant", ""], 1),
        ]
    )
    func refundIsFound(arguments: [String], id: Int) async throws {
        try await withQueue { w in
            let show = try await w.run(
                Programs.refundd,
                ["show", "--json", "--config", w.configurationFile] + arguments
            )
            #expect(show.exitCode == 0, "\(show.errors)")
            #expect(try show.json["refund"]["id"].integer == Int64(id))
        }
    }

    @Test(.endToEnd) func severalMatchesAreListedAndNothingIsDone() async throws {
        try await withQueue { w in
            for arguments in [["R-1"], ["R-1", "--json"], ["R-1", "--gateway", "default"]] {
                let show = try await w.run(
                    Programs.refundd,
                    ["show", "--config", w.configurationFile] + arguments
                )
                #expect(show.exitCode == 64, "\(arguments)")
                #expect(show.output.isEmpty)
                #expect(show.errors.contains("#1") && show.errors.contains("#3"))
                #expect(show.errors.contains("#4") == !arguments.contains("--gateway"))
            }
        }
    }

    @Test(.endToEnd) func unknownRefundIsReported() async throws {
        try await withQueue { w in
            for name in ["R-9", "#99", "r-1"] {
                let show = try await w.refundd("show", name)
                #expect(show.exitCode == 66, "\(name)")
                #expect(show.errors.contains(name))
                #expect(show.output.isEmpty)
                #expect(!show.errors.contains("did you mean"))
            }
            let row = try await w.refundd("show", "3")
            #expect(row.exitCode == 66)
            #expect(row.errors.contains("there is no refund 3; did you mean '#3'?"), "\(row.errors)")
            #expect(try await w.refundd("show", "--id", "99").exitCode == 66)
            #expect(try await w.refundd("show", "R-1", "--gateway", "third").exitCode == 66)
        }
    }
}
