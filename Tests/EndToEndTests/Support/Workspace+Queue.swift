import Foundation
import Testing

/// What the database says, read by the `sqlite3` shell, or by `psql`.
extension Workspace {
    /// Makes the tables.
    func initDatabase() async throws {
        let made = try await refundd("init")
        try #require(made.exitCode == 0, "\(made.errors)")
    }

    /// Starts simulator and daemon over a new database.
    func startEverything(scenarios: String? = nil) async throws {
        try await startSimulator(scenarios: scenarios)
        try await initDatabase()
        try await startDaemon()
    }

    /// Runs SQL in the shell, as an operator or a script would, and returns how the shell ended.
    func shell(_ sql: String, database: String? = nil) async throws -> Finished {
        if let server, database == nil { return try await run("psql", server.arguments(sql)) }
        return try await run(
            "sqlite3",
            ["-batch", "-bail", "-json", "-cmd", ".timeout 10000", database ?? self.database, sql]
        )
    }

    /// Runs SQL in the shell and returns the rows.
    @discardableResult
    func sql(_ sql: String, database: String? = nil) async throws -> [JSON] {
        let shell = try await shell(sql, database: database)
        try #require(shell.exitCode == 0, "\(sql): \(shell.errors)")
        return shell.output.allSatisfy(\.isWhitespace) ? [] : try shell.json.items
    }

    /// SQL for the hexadecimal digits of a column of bytes.
    func hex(_ column: String) -> String { server == nil ? "hex(\(column))" : "encode(\(column), 'hex')" }

    /// SQL for a column of bytes as text.
    func text(_ column: String) -> String { server == nil ? column : "convert_from(\(column), 'UTF8')" }

    /// SQL for the texts of a column, one after the other with a space between them.
    func joined(_ column: String) -> String { "\(server == nil ? "group_concat" : "string_agg")(\(column), ' ')" }

    /// Starts the shell with statements.
    func startShell(_ sql: String) throws -> RunningProcess {
        if let server { return try start("psql", server.arguments(sql), name: "shell") }
        return try start("sqlite3", ["-bail", "-cmd", ".timeout 20000", database, sql], name: "shell")
    }

    /// Inserts a refund.
    ///
    /// - Parameters:
    ///   - order: The order number.
    ///   - columns: Further columns and their values as text.
    /// - Throws: When the queue refuses it.
    func enqueue(_ order: String, _ columns: [String: String] = [:]) async throws {
        let columns = columns.merging(["merchant_order_no": order]) { _, new in new }
        let values = columns.values.map { "'\($0.replacing("'", with: "''"))'" }
        try await sql(
            "INSERT INTO refund_queue (\(columns.keys.joined(separator: ", "))) VALUES (\(values.joined(separator: ", ")))"
        )
    }

    /// Inserts many refunds in one transaction.
    func enqueue(_ orders: [String]) async throws {
        let rows = orders.map { "('\($0)')" }
        try await sql("INSERT INTO refund_queue (merchant_order_no) VALUES \(rows.joined(separator: ", "))")
    }

    /// The row of a refund.
    func refund(_ order: String) async throws -> JSON {
        let rows = try await sql("SELECT * FROM refund_queue WHERE merchant_order_no = '\(order)'")
        try #require(rows.count == 1, "\(order) is in \(rows.count) rows")
        return rows[0]
    }

    /// Waits until a refund's row is as wanted.
    @discardableResult
    func refund(
        _ order: String,
        within limit: Duration = .seconds(30),
        until condition: (JSON) -> Bool
    ) async throws -> JSON {
        var last = JSON.null
        do {
            return try await eventually("", within: limit) {
                last = try await refund(order)
                return condition(last) ? last : nil
            }
        } catch is TimedOut {
            throw TimedOut("\(order) as wanted; its row is \(last)", within: limit)
        }
    }

    /// Waits until a refund is in a state.
    @discardableResult
    func refund(_ order: String, is state: String, within limit: Duration = .seconds(30)) async throws -> JSON {
        try await refund(order, within: limit) { $0["state"].text == state }
    }

    /// The ledger of a refund as `from>to` or `from>to!attention`, in order.
    func ledger(_ order: String) async throws -> [String] {
        let rows = try await sql(
            """
            SELECT from_state || '>' || to_state || coalesce('!' || t.attention, '') AS step FROM refund_transitions t
            JOIN refund_queue q ON q.id = t.refund_id WHERE merchant_order_no = '\(order)' ORDER BY sequence
            """
        )
        return rows.map { $0["step"].text ?? "" }
    }

    /// The types of the events of a refund, with the reason for attention behind a `!`, in order.
    func events(_ order: String) async throws -> [String] {
        let rows = try await sql("SELECT * FROM refund_events WHERE merchant_order_no = '\(order)' ORDER BY position")
        return try rows.map { row in
            let data = try JSON(parsing: row["body"].text ?? "")["data"]
            return (row["type"].text ?? "") + (data["attention"].text.map { "!\($0)" } ?? "")
        }
    }

    /// The webhooks of a refund in order of their sequence.
    func webhooks(_ order: String) async throws -> [JSON] {
        try await sql(
            """
            SELECT w.id, w.sequence, w.type, w.url, w.state, w.attempts, w.last_status, w.last_error, w.delivered_at
            FROM refund_webhooks w JOIN refund_queue q ON q.id = w.refund_id
            WHERE merchant_order_no = '\(order)' ORDER BY w.sequence
            """
        )
    }
}
