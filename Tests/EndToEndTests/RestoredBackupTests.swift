import Foundation
import Glibc
import Testing

/// A backup that takes the place of a database whose later events have been read.
struct RestoredBackupTests {
    private static let files = FileManager.default

    /// Settles two refunds, with a backup in between, and stops the daemon.
    private func withBackup(_ body: (Workspace, _ backup: String) async throws -> Void) async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
            let backup = w.path("backup.db")
            try #require(try await w.refundd("backup", backup).exitCode == 0)
            try await w.enqueue("OK-2")
            try await w.refund("OK-2", is: "settled")
            try await body(w, backup)
        }
    }

    private func restore(_ w: Workspace, _ backup: String) throws {
        for suffix in ["", "-wal", "-shm"] { try? Self.files.removeItem(atPath: w.database + suffix) }
        try Self.files.copyItem(atPath: backup, toPath: w.database)
    }

    private func positions(_ w: Workspace) async throws -> [Int64] {
        try await w.sql("SELECT position FROM refund_events ORDER BY position").compactMap { $0["position"].integer }
    }

    @Test(.endToEnd, arguments: [true, false])
    func restoredBackupWaitsForAnOperatorAndReusesNoPosition(isKilled: Bool) async throws {
        try await withBackup { w, backup in
            let seen = try #require(try await positions(w).last)
            if isKilled {
                w.daemon?.kill()
            } else {
                w.daemon?.signal(SIGTERM)
                #expect(try await w.daemon?.exitCode() == 0)
            }
            try restore(w, backup)
            for command in [["run"], ["init"], ["abandon", "OK-1", "--reason", "x"], ["query", "OK-1"]] {
                let finished = try await w.run(Programs.refundd, command + ["--config", w.configurationFile])
                #expect(finished.exitCode == 74, "\(command): \(finished.output)")
                #expect(finished.errors.contains("it lacks events 2 to 2"), "\(command): \(finished.errors)")
                #expect(finished.errors.contains("refundd init --accept-restored"), "\(command): \(finished.errors)")
            }
            let status = try await w.refundd("status")
            #expect(status.exitCode == 1)
            #expect(status.output.contains("--accept-restored"), "\(status.output)")
            #expect(status.output.contains("settled 1"), "the report is printed all the same: \(status.output)")
            let doctor = try await w.refundd("doctor", "--offline", environment: ["COLUMNS": "400"])
            #expect(doctor.exitCode == 1)
            #expect(doctor.output.contains("--accept-restored"), "\(doctor.output)")
            let verified = try await w.refundd("verify")
            #expect(verified.exitCode == 1)
            #expect(verified.output.contains("it lacks events 2 to 2"), "\(verified.output)")
            #expect(try await positions(w) == [seen - 1])

            #expect(try await w.ada("init", "--accept-restored").exitCode == 0)
            try await w.startDaemon()
            try await w.enqueue("OK-3")
            try await w.refund("OK-3", is: "settled")
            let unseen = try await positions(w).filter { $0 > seen }
            #expect(unseen.count == 1, "a reader that goes on from its position misses nothing")
            #expect(try await w.refundd("verify").exitCode == 0)
            let actors = try await w.sql("SELECT DISTINCT actor FROM refund_actions")
            #expect(actors.map { $0["actor"].text } == [try await w.operatorName()])
            w.daemon?.signal(SIGTERM)
            #expect(try await w.daemon?.exitCode() == 0)
            try await w.startDaemon()
        }
    }

    @Test(.endToEnd) func backupRestoredIntoTheServedFileStopsTheDaemon() async throws {
        try await withBackup { w, backup in
            let restored = try await w.run("sqlite3", [w.database, ".timeout 10000", ".restore \(backup)"])
            try #require(restored.exitCode == 0, "\(restored.errors)")
            let daemon = try #require(w.daemon)
            #expect(try await daemon.exitCode(within: .seconds(10)) == 74)
            #expect(daemon.errors.contains("it lacks events 2 to 2"), "\(daemon.errors)")
            #expect(try await positions(w).count == 1)
            #expect(try await w.launchDaemon().exitCode() == 74)
            #expect(try await w.ada("init", "--accept-restored").exitCode == 0)
            try await w.startDaemon()
            #expect(try await w.refundd("verify").exitCode == 0)
        }
    }
}
