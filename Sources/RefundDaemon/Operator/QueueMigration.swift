package import RefundConfiguration
import RefundCore
import RefundScheduler
import RefundStore

/// Moves a queue from a file to a server: copies everything, and compares both ends.
///
/// No daemon may serve the file meanwhile. A migration that was interrupted goes on where it stopped.
package struct QueueMigration {
    /// The progress of a migration.
    package enum Step: Hashable, Sendable {
        /// Copying; the table, and how many of its rows this run has copied.
        case copying(String, Int)
        /// Comparing; how many refunds are equal so far.
        case comparing(Int)
        /// Checking the copy; how many refunds have been checked so far.
        case checking(Int)
    }

    private static let batch = 1_000

    private let source: any QueueStore & QueueExporter
    private let target: any QueueStore & QueueImporter
    // Keeps every daemon from serving the file.
    private let lock: any ServiceLock

    /// Opens both ends.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - database: The `[database]` section of a configuration that names the server.
    /// - Throws: `CommandFailure` if a daemon serves the file, or either end cannot be used.
    package init(from file: String, to database: DatabaseSettings) throws(CommandFailure) {
        let provider = StoreProviders.provider(forFile: file)
        (source, target, lock) = try CommandFailure.mapping { () throws(StoreError) in
            let opened = try Self.open(file, provider)
            guard case .taken(let lock) = try provider.lock() else { throw provider.alreadyServed }
            try opened.migrate(at: SystemClock().now())
            let store = try StoreProviders.provider(for: database).open(.readWrite)
            guard let source = opened as? any QueueStore & QueueExporter,
                let target = store as? any QueueStore & QueueImporter
            else {
                let problem = "only a queue in a file can be migrated, and only to a server"
                throw StoreError(.failed, location: file, reason: problem, description: problem)
            }
            return (source, target, lock)
        }
    }

    private static func open(_ file: String, _ provider: any StoreProvider) throws(StoreError) -> any QueueStore {
        do throws(StoreError) {
            return try provider.open(.existing)
        } catch  where error.kind == .notInitialised {
            throw StoreError(.notInitialised, file, error.reason, database: "has no queue; name its file with --from")
        }
    }

    /// Copies, compares, and checks the copy as `verify` does.
    ///
    /// - Parameters:
    ///   - keys: The keys that verify the stored answers.
    ///   - report: Called after each batch.
    /// - Returns: How many refunds both ends have, and what the check of the copy found.
    /// - Throws: `CommandFailure` if a database fails, or both ends differ.
    package func run(
        _ keys: GatewayKeys,
        _ report: (Step) -> Void
    ) throws(CommandFailure) -> (refunds: Int, Verification) {
        defer {
            source.close()
            target.close()
        }
        return try withExtendedLifetime(lock) { () throws(CommandFailure) in
            let differences = try CommandFailure.mapping { () throws(StoreError) in
                try target.beginImport(from: source.location, at: SystemClock().now())
                for table in QueueTable.all { try copy(table, report) }
                return try compare(report)
            }
            guard differences.problems.isEmpty else { throw CommandFailure(.failed, differences.problems) }
            let verification = try CommandFailure.mapping { () throws(StoreError) in
                var highest: [String: Int64] = [:]
                for table in QueueTable.all { highest[table.name] = try source.highestKey(of: table) }
                try target.endImport(highest: highest)
                return try Verification(target, keys) { report(.checking($0)) }
            }
            return (differences.refunds, verification)
        }
    }

    private func copy(_ table: QueueTable, _ report: (Step) -> Void) throws(StoreError) {
        var key = try target.lastKey(of: table)
        var count = 0
        while true {
            let rows = try source.rows(of: table, after: key, limit: Self.batch)
            guard let last = rows.last else { return }
            try target.take(rows, into: table)
            count += Self.batch
            report(.copying(table.name, count))
            guard table.key != nil else { return }
            key = last
        }
    }

    // Whatever was changed in the file since an earlier run copied it is found here.
    private func compare(_ report: (Step) -> Void) throws(StoreError) -> (refunds: Int, problems: [String]) {
        var (refunds, last): (Int, Int64?) = (0, nil)
        repeat {
            let old = try source.read { tx throws(StoreError) in try tx.histories(after: last, limit: Self.batch) }
            let new = try target.read { tx throws(StoreError) in try tx.histories(after: last, limit: Self.batch) }
            if let problem = Self.difference(old, new) {
                let remedy = "drop the schema at \(target.location), and migrate again"
                return (refunds, ["\(problem) differs from \(source.location); \(remedy)"])
            }
            refunds += old.histories.count
            report(.comparing(refunds))
            last = old.last
        } while last != nil
        return (refunds, [])
    }

    /// Names the first refund that differs; nil if there is none.
    private static func difference(_ old: HistoryBatch, _ new: HistoryBatch) -> String? {
        for (old, new) in zip(old.histories, new.histories) {
            let isEqual =
                old.refund == new.refund && old.ledger == new.ledger && old.events == new.events
                && old.webhooks == new.webhooks
            if !isEqual { return "the history of \(old.refund.title)" }
        }
        let isWhole = old.histories.count == new.histories.count && old.last == new.last
        return isWhole ? nil : "the number of refunds"
    }
}
