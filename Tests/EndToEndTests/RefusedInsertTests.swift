import Testing

/// Rows that cannot be served, which the queue refuses at the insert.
struct RefusedInsertTests {
    /// A row that cannot be served, and words of the message that say what to change.
    private static let refusals: [(columns: String, values: String, words: [String])] = [
        ("metadata", "'{}'", ["merchant_order_no", "trans_no"]),
        ("merchant_order_no, gateway", "'R-1', 'a' || char(27) || '[2J'", ["gateway"]),
        ("merchant_order_no, gateway", "'R-1', ''", ["gateway"]),
        ("merchant_order_no, gateway", "'R-1', NULL", ["gateway"]),
        ("merchant_order_no", "''", ["merchant_order_no"]),
        ("merchant_order_no", "'R 1'", ["merchant_order_no"]),
        ("merchant_order_no", "'R-\u{e9}'", ["merchant_order_no"]),
        ("merchant_order_no", "'R-' || char(10) || 'x'", ["merchant_order_no"]),
        ("merchant_order_no", "'123456789012345678901234567890123'", ["merchant_order_no", "32"]),
        ("merchant_order_no", "x'522d31'", ["merchant_order_no", "text"]),
        ("trans_no", "'a/b'", ["trans_no"]),
        ("trans_no", "'\(String(repeating: "4", count: 65))'", ["trans_no", "64"]),
        ("merchant_order_no, metadata", "'R-1', '[1]'", ["metadata", "object"]),
        ("merchant_order_no, metadata", "'R-1', '{\"a\":'", ["metadata", "object"]),
        ("merchant_order_no, metadata", "'R-1', 'cart'", ["metadata", "object"]),
        ("merchant_order_no, callback_url", "'R-1', 'ftp://example.com/'", ["callback_url", "http"]),
        ("merchant_order_no, callback_url", "'R-1', ''", ["callback_url", "http"]),
        ("merchant_order_no, callback_url", "'R-1', 'example.com'", ["callback_url", "http"]),
        ("merchant_order_no, expected_amount", "'R-1', '1200'", ["expected_currency"]),
        ("merchant_order_no, expected_currency", "'R-1', 'JPY'", ["expected_amount"]),
        (
            "merchant_order_no, expected_amount, expected_currency", "'R-1', '12,50', 'EUR'",
            ["expected_amount", "decimal"]
        ),
        (
            "merchant_order_no, expected_amount, expected_currency", "'R-1', '1e3', 'EUR'",
            ["expected_amount", "decimal"]
        ),
        (
            "merchant_order_no, expected_amount, expected_currency", "'R-1', '-5', 'EUR'",
            ["expected_amount", "decimal"]
        ),
        ("id, merchant_order_no", "7, 'R-1'", ["id"]),
        ("id, merchant_order_no", "-1, 'R-1'", ["id"]),
        ("merchant_order_no, state", "'R-1', 'settled'", ["state", "refundd"]),
        ("merchant_order_no, attention", "'R-1', 'overdue'", ["refundd"]),
        ("merchant_order_no, attempts", "'R-1', 5", ["refundd"]),
        ("merchant_order_no, next_query_at", "'R-1', 99999999999999", ["refundd"]),
        ("merchant_order_no, created_at", "'R-1', 5", ["refundd"]),
        ("merchant_order_no, trans_status", "'R-1', 2", ["refundd"]),
        ("merchant_order_no, failure_code", "'R-1', 'x'", ["refundd"]),
        ("merchant_order_no, last_error", "'R-1', 'x'", ["refundd"]),
        ("merchant_order_no, state", "'R-1', NULL", ["refundd"]),
    ]

    @Test(.endToEnd) func rowThatCannotBeServedIsRefusedWithWhatToChange() async throws {
        try await withWorkspace { w in
            try await w.initDatabase()
            for refusal in Self.refusals {
                for verb in ["INSERT", "INSERT OR IGNORE", "INSERT OR REPLACE"] {
                    let sql = "\(verb) INTO refund_queue (\(refusal.columns)) VALUES (\(refusal.values))"
                    let shell = try await w.shell(sql)
                    #expect(shell.exitCode != 0, "\(sql)")
                    for word in refusal.words { #expect(shell.errors.contains(word), "\(sql): \(shell.errors)") }
                }
            }
            #expect(try await w.sql("SELECT id FROM refund_queue").isEmpty)
        }
    }
}
