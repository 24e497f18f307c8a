/// The refunds of a crash run: a batch has one of each kind, so that every stage has a refund at any moment.
enum CrashStages {
    /// Refunds that go the same way.
    private struct Kind {
        /// What the order number begins with, which tells the simulator what becomes of the refund.
        let prefix: String
        var gateway = "default"
        /// The merchant, where it is not the configured one.
        var merchant: String?
        /// What the refund must amount to, where the row says so.
        var amount: String?
        /// How the receiver behaves that the row names, where it names one; the paths of the refunds differ.
        var callback: String?
        /// Whether the row has only the gateway's number of the refund.
        var isNamedByTransNo = false
    }

    private static let passing = [
        Kind(prefix: "OK"), Kind(prefix: "OK3"), Kind(prefix: "FAIL2"), Kind(prefix: "CANCEL"), Kind(prefix: "LATE"),
        Kind(prefix: "SLOW"), Kind(prefix: "OK2-TRANS", isNamedByTransNo: true),
        Kind(prefix: "TROUBLE", gateway: "second"), Kind(prefix: "LIAR", gateway: "second"),
        Kind(prefix: "OK2-FLAKY", callback: "fail/2"), Kind(prefix: "OK3-SLOWLY", callback: "slow/250"),
    ]

    // They stay where they are for as long as the run takes, so a few of them are enough.
    private static let lasting = [
        Kind(prefix: "NEVER"), Kind(prefix: "UNKNOWN"), Kind(prefix: "MISMATCH", amount: "1200"),
        Kind(prefix: "REFUSED", merchant: "312100007236"), Kind(prefix: "OK-LOST", gateway: "elsewhere"),
        Kind(prefix: "OK-DEAD", callback: "fail/3"),
        Kind(prefix: "NEVER-DEAD", callback: "fail/4"),
    ]

    // The one refund of a gateway that refuses the application's credentials for a while.
    private static let refused = Kind(prefix: "CLOSED", gateway: "closed")

    /// The gateway while the daemon is killed.
    static let scenarios = """
        [default]
        latency = "20ms"

        [prefixes."SLOW-"]
        settles_after_queries = 2
        latency = "400ms"

        [prefixes."TROUBLE-"]
        settles_after_queries = 3
        fault = "http_503"
        fault_for_queries = 2

        [prefixes."LIAR-"]
        settles_after_queries = 2
        fault = "wrong_signature"
        fault_for_queries = 1

        [prefixes."CLOSED-"]
        settles_after_queries = 11
        fault = "not_authorised"
        fault_for_queries = 10

        [prefixes."REFUSED-"]
        settles_after_queries = 1
        fault = "not_authorised"

        """

    /// The gateway at the end: whatever was slow, unknown, undecided or wrong has become right.
    static let endings = ["SLOW", "TROUBLE", "LIAR", "CLOSED", "NEVER", "UNKNOWN", "MISMATCH", "REFUSED"]
        .map { "[prefixes.\"\($0)-\"]\nsettles_after_queries = 1\n" }.joined()

    /// The insert of a batch.
    ///
    /// - Parameters:
    ///   - number: Which batch it is, from 0.
    ///   - origin: The receiver that takes nothing, takes it slowly, or only after some time.
    /// - Returns: SQL.
    static func insert(batch number: Int, origin: String) -> String {
        let kinds = passing + (number < 3 ? lasting : []) + (number == 0 ? [refused] : [])
        let rows = kinds.map { kind in
            let order = "\(kind.prefix)-\(number)"
            let values = [
                kind.isNamedByTransNo ? nil : order, kind.isNamedByTransNo ? order : nil, kind.gateway, kind.merchant,
                kind.amount, kind.amount == nil ? nil : "JPY", kind.callback.map { "\(origin)/\($0)/\(order)" },
            ]
            return "(" + values.map { $0.map { "'\($0)'" } ?? "NULL" }.joined(separator: ", ") + ")"
        }
        return """
            INSERT INTO refund_queue
            (merchant_order_no, trans_no, gateway, merchant_no, expected_amount, expected_currency, callback_url)
            VALUES \(rows.joined(separator: ", "))
            """
    }
}
