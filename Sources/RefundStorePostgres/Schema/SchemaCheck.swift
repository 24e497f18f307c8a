import RefundPostgres
import RefundStoreSQL

/// Compares a queue's schema with the text of the migrations, as far as the server's catalog has it.
///
/// Nothing is restored: only the owner of the schema could, and daemons should not own it. The condition of a trigger
/// (`WHEN`) is compared only for being there, since each version of the server words it its own way.
struct SchemaCheck {
    private struct Guard: Hashable {
        var table: String
        var function: String
        var argument: String
        /// Timing and events, in the catalog's bits.
        var type: Int64
        var columns: [String]
        var hasCondition: Bool
    }

    private static let (row, before, instead): (Int64, Int64, Int64) = (1, 2, 64)
    private static let events: KeyValuePairs<String, Int64> = ["INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32]

    let tx: PostgresTransaction

    /// The tables, indexes and guards of the migrations that are not there, in words.
    func missing() throws -> [String] {
        let sql = """
            SELECT CASE relkind WHEN 'r' THEN 'table ' WHEN 'v' THEN 'view ' WHEN 'S' THEN 'sequence ' ELSE 'index ' END
            || relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace
            UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
            UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE c.relnamespace = current_schema()::regnamespace AND t.tgenabled IN ('O', 'A')
            """
        let found = Set(try tx.rows(tx.flight.add(sql)) { $0.text() })
        return Self.objects.filter { !found.contains($0) }.map {
            "\($0) is missing or disabled; somebody dropped or disabled it"
        }
    }

    /// The guards whose text is not that of the migrations, in words.
    func changed() throws -> [String] {
        let functions = try found(
            "SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
        ) { $0.text() ?? "" }
        let triggers = try found(
            """
            SELECT t.tgname::text, c.relname::text, p.proname::text, left(encode(t.tgargs, 'escape'), -4), t.tgtype,
            (SELECT string_agg(a.attname::text, ',') FROM pg_attribute a WHERE a.attrelid = c.oid
            AND a.attnum = ANY (t.tgattr)), t.tgqual IS NOT NULL
            FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
            WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal
            """
        ) { row in
            Guard(
                table: row.text() ?? "",
                function: row.text() ?? "",
                argument: row.text() ?? "",
                type: row.integer() ?? 0,
                columns: (row.text() ?? "").split(separator: ",").map(String.init).sorted(),
                hasCondition: row.integer() == 1
            )
        }
        let names =
            Self.functions.filter { functions[$0.key] != $0.value }.map { "function \($0.key)" }.sorted()
            + Self.triggers.filter { triggers[$0.key] != $0.value }.map { "trigger \($0.key)" }.sorted()
        return names.map { "\($0) is not as refundd made it; somebody changed it" }
    }

    private func found<Value>(_ sql: String, _ read: @escaping (PostgresRow) -> Value) throws -> [String: Value] {
        let rows = try tx.rows(tx.flight.add(sql)) { row in (name: row.text() ?? "", value: read(row)) }
        return Dictionary(rows.map { ($0.name, $0.value) }) { first, _ in first }
    }

    // MARK: - The migrations

    private static let text = Migration.all.flatMap(\.sql).joined(separator: "\n")

    /// Everything that the migrations create, by kind and name.
    private static let objects: [String] = {
        let created = /CREATE (?:UNIQUE |CONSTRAINT )?(TABLE|VIEW|SEQUENCE|INDEX|FUNCTION|TRIGGER) (refund_\w+)/
        return text.matches(of: created).map { "\($0.1.lowercased()) \($0.2)" }
    }()

    private static let functions: [String: String] = {
        let created = /CREATE FUNCTION (refund_\w+)\(.*?\$\$(.*?)\$\$/.dotMatchesNewlines()
        return Dictionary(text.matches(of: created).map { (String($0.1), String($0.2)) }) { $1 }
    }()

    private static let triggers: [String: Guard] = {
        let created =
            /TRIGGER (refund_\w+)\s+(BEFORE|AFTER|INSTEAD OF)\s+(.*?)\s+ON (refund_\w+)(.*?)EXECUTE FUNCTION (\w+)\(\s*(?:'(.*?)')?\s*\)/
            .dotMatchesNewlines()
        return Dictionary(
            text.matches(of: created).map { match in
                let (timing, writes, rest) = (match.2, match.3, match.5)
                var type = rest.contains("FOR EACH ROW") ? row : 0
                if timing == "BEFORE" { type |= before }
                if timing == "INSTEAD OF" { type |= instead }
                for (event, bit) in events where writes.contains(event) { type |= bit }
                let columns = writes.split(separator: "UPDATE OF ").dropFirst(writes.hasPrefix("UPDATE OF ") ? 0 : 1)
                let guarded = Guard(
                    table: String(match.4),
                    function: String(match.6),
                    argument: match.7.map(String.init) ?? "",
                    type: type,
                    columns: (columns.first ?? "").split(whereSeparator: { ", \n".contains($0) }).map(String.init)
                        .sorted(),
                    hasCondition: rest.contains("WHEN (")
                )
                return (String(match.1), guarded)
            }
        ) { $1 }
    }()
}
