/// Rows that an application may try to insert, as columns with their SQL values.
///
/// Every store takes and refuses these; each has further ones, about values that only its database knows.
package struct InsertTable {
    /// A row.
    package struct Row: CustomStringConvertible {
        /// The columns with their SQL values.
        package var columns: [(name: String, value: String)]
        /// What the refusal says, or nil for a row that is taken.
        package var refusal: String?

        /// Creates a row.
        package init(columns: [(name: String, value: String)], refusal: String?) {
            (self.columns, self.refusal) = (columns, refusal)
        }

        package var description: String {
            columns.map { "\($0.name) = \($0.value)" }.joined(separator: ", ")
        }

        /// The statement that inserts it.
        package func statement(_ verb: String = "INSERT", _ end: String = "") -> String {
            let names = columns.map(\.name).joined(separator: ", ")
            let values = columns.map(\.value).joined(separator: ", ")
            return "\(verb) INTO refund_queue (\(names)) VALUES (\(values))\(end)"
        }
    }

    /// The function that makes a character of its number.
    private let character: String
    /// The database's name, as refusals have it.
    private let database: String

    /// Creates a table for a database.
    ///
    /// - Parameters:
    ///   - character: The function that makes a character of its number.
    ///   - database: The database's name, as refusals have it.
    package init(character: String, database: String) {
        (self.character, self.database) = (character, database)
    }

    private static func row(_ columns: KeyValuePairs<String, String>, _ refusal: String? = nil) -> Row {
        Row(columns: columns.map { ($0.key, $0.value) }, refusal: refusal)
    }

    /// One column with several values, beside an order number unless it is one itself.
    package static func rows(_ column: String, _ values: [String], _ refusal: String? = nil) -> [Row] {
        values.map { value in
            column == "merchant_order_no"
                ? row([column: value], refusal) : row(["merchant_order_no": "'R-1'", column: value], refusal)
        }
    }

    /// Rows that are refunds.
    package static let taken: [Row] =
        rows("merchant_order_no", ["'R-1'", "'a'", "'Az09_-|*@'", "1001", "'\(text("x", 32))'", "'-'"])
        + rows("trans_no", ["'41125'", "41125", "'\(text("9", 64))'", "NULL"])
        + [row(["trans_no": "'41125'"]), row(["merchant_order_no": "NULL", "trans_no": "'41125'"])]
        + rows("merchant_no", ["NULL", "'312100007235'", "'a.b/c'", "312100007235", "'\(text("m", 32))'"])
        + rows("gateway", ["'default'", "'second'", "'my shop'", "'a.b-c_d'", "'\(text("g", 64))'"])
        + rows(
            "callback_url",
            [
                "NULL", "'https://shop.example/hook?x=1#y'", "'http://127.0.0.1:8080/'", "'HTTPS://SHOP.EXAMPLE'",
                "'https://\(text("u", 2_040))'",
            ]
        )
        + rows(
            "metadata",
            [
                "NULL", "'{}'", #"'{"cart":"c-9"}'"#, #"' {"a":[1,{"b":null}]} '"#, #"'{"é":"😀","n":1.50}'"#,
                #"'{"a":"\#(text("m", 16_376))"}'"#, #"'{"a":"\ud83d\ude00"}'"#, #"'{"a":"\\ud83d"}'"#,
                #"'{"a":"\ufffd\uffff","b":1}'"#, #"'{"a":{"b":1},"c":{"b":1},"d":[{"b":1},{"b":1},1,1]}'"#,
                "'\(nested(64))'", #"'{"":1,"\u0000":2,"\u0000b":"\\u0000\u0000"}'"#, #"'{"a":"\\\u0000"}'"#,
                #"'{"a":1e400}'"#, #"'{"\#(text("a.b[", 99))":{"b":[[]]}}'"#, #"'{"a":"\#(text("[{", 99))"}'"#,
            ]
        )
        + ["'1200'", "'12.50'", "'0'", "'0.01'", "1200", "12.5", "'\(text("9", 32))'"].map { amount in
            row(["merchant_order_no": "'R-1'", "expected_amount": amount, "expected_currency": "'JPY'"])
        }
        + [row(["merchant_order_no": "'R-1'", "expected_amount": "NULL", "expected_currency": "NULL"])]
        + [row(["id": "NULL", "merchant_order_no": "'R-1'"])]

    /// Rows that cannot be served, with what the refusal says.
    package var refused: [Row] { Self.refused + special }

    private static let refused: [Row] =
        [
            row(["gateway": "'default'"], "give merchant_order_no or trans_no"),
            row(["merchant_order_no": "NULL", "trans_no": "NULL"], "give merchant_order_no or trans_no"),
        ]
        + rows(
            "merchant_order_no",
            badNumbers + ["'\(text("x", 33))'"],
            orderNumber
        )
        + rows(
            "trans_no",
            badNumbers + ["'\(text("x", 65))'"],
            "trans_no must be text of 1 to 64 characters from A-Z a-z 0-9 _ - | * @"
        )
        + rows(
            "merchant_no",
            ["''", "'a b'", "'é'", "'\(text("m", 33))'"],
            merchantNumber
        )
        + rows(
            "gateway",
            ["NULL", "''", "'\(text("g", 65))'", "'é'"],
            gateway
        )
        + amounts + callbacks
        + rows(
            "metadata",
            [
                "''", "'x'", "'null'", "'1'", "'[]'", #"'"a"'"#, "'{'", "'{}x'", "'{a:1}'", #"'{"a":1,}'"#, "1",
                #"'{"a":"\#(text("m", 16_377))"}'"#,
            ],
            metadata
        )
        + rows(
            "metadata",
            [
                #"'{"a":"\ud83d"}'"#, #"'{"a":"\ude00"}'"#, #"'{"a":"\ude00\ud83d"}'"#,
                #"'{"a":"\ud83d\ud83d\ude00"}'"#, #"'{"a":"\\\ud83d"}'"#, #"'{"a":"\ud83d\\\ude00"}'"#,
                #"'{"\uD83D":1}'"#, #"'{"a":[[{"b":"\uDBFFx"}]]}'"#, #"'{"a":"\u0000\ud800"}'"#,
                #"'{"\u0000\ud800":1}'"#, #"'{"a":"\\\u0000\udc00"}'"#,
            ],
            #"metadata must not contain an unpaired surrogate, such as \ud83d alone"#
        )
        + rows(
            "metadata",
            [
                #"'{"a":1,"a":1}'"#, #"'{"a":1,"\u0061":2}'"#, #"'{"a":[0,{"b":1,"c":2,"b":null}]}'"#,
                #"'{"":1,"":2}'"#, #"'{"é":1,"\u00e9":2}'"#,
            ],
            "metadata must not repeat a member within an object"
        )
        + rows(
            "metadata",
            [
                "'\(nested(65))'", "'{\"a.\\\"[\":\(nested(64))}'", "'{\"a\":[\"x\", \(nested(63)), {}]}'",
                "'{\"a\":\(text("[", 900) + text("]", 900))}'",
            ],
            "metadata must not be nested deeper than 64 levels"
        )
        + presets.flatMap { column, values in rows(column, values, "leave \(column) out, refundd writes it") }

    // What comes of a newline, and of the id that the database assigns.
    private var special: [Row] {
        let newline = "\(character)(10)"
        return Self.rows("merchant_order_no", ["'R-1' || \(newline)"], Self.orderNumber)
            + Self.rows("merchant_no", ["'a' || \(newline)"], Self.merchantNumber)
            + Self.rows("gateway", [newline, "\(character)(127)"], Self.gateway)
            + Self.rows("callback_url", ["'https://a' || \(newline)"], Self.callback)
            + [
                Self.row(
                    [
                        "merchant_order_no": "'R-1'", "expected_amount": "'1' || \(newline)",
                        "expected_currency": "'JPY'",
                    ],
                    Self.decimal
                ),
                Self.row(
                    [
                        "merchant_order_no": "'R-1'", "expected_amount": "'1'",
                        "expected_currency": "'JPY' || \(newline)",
                    ],
                    Self.currency
                ),
            ]
            + Self.rows(
                "id",
                ["1", "0", "-1", "-2", "999", "'7'", "9223372036854775807"],
                "leave id out, \(database) assigns it"
            )
    }

    /// What refusals say.
    package static let orderNumber =
        "merchant_order_no must be text of 1 to 32 characters from A-Z a-z 0-9 _ - | * @"
    package static let merchantNumber = "merchant_no must be null or text of 1 to 32 printable ASCII characters"
    package static let gateway =
        "gateway must be text of 1 to 64 printable ASCII characters; leave it out for 'default'"
    package static let metadata = "metadata must be the text of a JSON object of at most 16384 bytes"
    package static let decimal =
        "expected_amount must be decimal text in major units, such as '1200' or '12.50'"
    package static let currency = "expected_currency must be three capital letters, such as 'JPY'"
    package static let callback =
        "callback_url must start with https:// or http:// and be at most 2048 ASCII characters without blanks"

    /// A row whose amount has this SQL value.
    package static func amount(_ amount: String, _ refusal: String) -> Row {
        row(["merchant_order_no": "'R-1'", "expected_amount": amount, "expected_currency": "'JPY'"], refusal)
    }

    private static let badNumbers = [
        "''", "'R 1'", "' R-1'", "'R-1 '", "'R.1'", "'R/1'", "'Ré1'", "'１'", "1.5", "'R''1'",
        "'R[1]'", "'R^1'",
    ]

    private static let amounts: [Row] = {
        let together = "give expected_amount and expected_currency together, or neither"
        var rows = [
            row(["merchant_order_no": "'R-1'", "expected_amount": "'1200'"], together),
            row(["merchant_order_no": "'R-1'", "expected_currency": "'JPY'"], together),
        ]
        let amounts = [
            "''", "'-1'", "'+1'", "'1,200'", "'1 200'", "'.5'", "'5.'", "'.'", "'1.2.3'", "'1e3'", "'NaN'",
            "'12.50 JPY'", "-5", "'１'", "'\(text("9", 33))'",
        ]
        rows += amounts.map { amount($0, decimal) }
        rows += ["''", "'JP'", "'JPYX'", "'jpy'", "'Jpy'", "'JP1'", "'￥￥￥'", "392"].map {
            row(["merchant_order_no": "'R-1'", "expected_amount": "'1'", "expected_currency": $0], currency)
        }
        return rows
    }()

    private static let callbacks = rows(
        "callback_url",
        [
            "''", "'ftp://shop.example'", "'shop.example'", "'//shop.example'", "'https:/shop.example'", "'https://'",
            "'http://'", "'javascript:x'", "' https://a'", "'https://a b'", "'https://é'",
            "'https://\(text("u", 2_041))'", "1",
        ],
        callback
    )

    /// The columns that refundd writes, with values that an application might preset.
    package static let presets: [(column: String, values: [String])] = [
        ("state", ["'processing'", "'settled'", "'lost'", "NULL", "''", "'PENDING'"]),
        ("attention", ["'overdue'", "''"]), ("trans_status", ["2", "0"]), ("trans_amount", ["'1'"]),
        ("trans_currency", ["'JPY'"]), ("trans_end_at", ["0"]), ("failure_code", ["''"]), ("failure_message", ["'x'"]),
        ("attempts", ["1", "-1", "NULL"]), ("last_query_at", ["0"]), ("last_query_verified", ["1", "NULL"]),
        ("last_error", ["''"]), ("created_at", ["0", "NULL", "1", "9223372036854775807"]),
        ("updated_at", ["0", "NULL"]), ("lease", ["1", "NULL"]),
        ("next_query_at", ["1", "NULL", "9223372036854775807"]), ("leased_until", ["0", "1"]),
        ("attention_told", ["1", "NULL"]), ("unknown_order", ["1", "NULL"]), ("gateway_trans_no", ["'1'"]),
        ("orig_trans_no", ["'1'"]), ("pay_channel_trans_no", ["'1'"]),
    ]

    /// Objects and arrays in turn, one within the other.
    private static func nested(_ depth: Int) -> String {
        let isObject = (1...depth).map { $0 % 2 == 1 }
        return isObject.map { $0 ? #"{"k":"# : "[" }.joined() + "1"
            + isObject.reversed().map { $0 ? "}" : "]" }.joined()
    }

    private static func text(_ character: String, _ count: Int) -> String {
        String(repeating: character, count: count)
    }
}
