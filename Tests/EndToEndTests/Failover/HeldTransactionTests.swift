import Foundation
import RefundPostgresSupport
import Testing

/// Transactions on a PostgreSQL server that somebody forgets.
struct HeldTransactionTests {
    private static let refunds = ProcessInfo.processInfo.environment["TEST_FAILOVER_REFUNDS"].flatMap { Int($0) } ?? 300
    private static let queries = 6

    /// Two queues are served beside each other, so that the machine is as fast for one as for the other.
    @Test(.crashRun) func heldTransactionsAreReportedAndCostALittlePaceAtMost() async throws {
        let server = try PostgresServer()
        let (held, free) = (try ServerQueue(on: server), try ServerQueue(on: server))
        try await withWorkspace(held, isLong: true) { w in
            try await w.startSimulator()
            try w.write(w.configuration.text.replacing(held.url, with: free.url), to: "free.conf")
            for file in [w.configurationFile, w.path("free.conf")] {
                #expect(try await w.refundd("init", "--config", file).exitCode == 0)
            }
            let statements = [
                ["BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM refund_queue"],
                ["CREATE TABLE notes (text text)", "BEGIN", "INSERT INTO notes VALUES ('forgotten')"],
            ]
            for list in statements {
                _ = try await w.startPython("transaction.py", [held.place] + list).outputLine(beginning: "holding")
            }
            let daemons = [try await w.startDaemon(), try w.launchDaemon(configuration: w.path("free.conf"))]
            for (queue, name) in [(held, "H"), (free, "F")] {
                let rows = "SELECT 'OK\(Self.queries)-\(name)-' || n FROM generate_series(1, \(Self.refunds)) n"
                try await run("INSERT INTO refund_queue (merchant_order_no) \(rows)", queue, w)
            }
            let all = Int64(Self.refunds * Self.queries)
            let limit = Duration.seconds(60 + Self.refunds / 5)
            try await eventually("all settled where nothing is held", within: limit) {
                try await attempts(free, w) == all
            }
            let share = Double(try await attempts(held, w)) / Double(all)
            print("failover: \(all) queries, of which \(share) were made meanwhile where transactions are held open")
            #expect(share >= 0.8)
            try await eventually("all settled where transactions are held open", within: limit) {
                try await attempts(held, w) == all
            }
            let warning = "keeps old rows from being cleaned up"
            try await daemons[0].waitForErrors(containing: warning, within: .seconds(150))
            #expect(!daemons[1].errors.contains(warning), "another database's rows are cleaned up all the same")
        }
    }

    @discardableResult
    private func run(_ sql: String, _ queue: ServerQueue, _ w: Workspace) async throws -> [JSON] {
        let shell = try await w.run("psql", queue.arguments(sql))
        try #require(shell.exitCode == 0, "\(shell.errors)")
        return shell.output.allSatisfy(\.isWhitespace) ? [] : try shell.json.items
    }

    private func attempts(_ queue: ServerQueue, _ w: Workspace) async throws -> Int64 {
        let sql = "SELECT coalesce(sum(attempts), 0)::bigint AS attempts FROM refund_queue"
        return try await run(sql, queue, w).first?["attempts"].integer ?? 0
    }
}
