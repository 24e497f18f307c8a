import Foundation
import Testing

/// `refundd backup`: a trustworthy copy, made while others go on writing.
struct BackupTests {
    private static let files = FileManager.default

    @Test(.endToEnd) func copyMadeDuringWritesIsCompleteAndUsable() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startEverything()
            try await w.sql("CREATE TABLE shop_orders (id INTEGER PRIMARY KEY, refund TEXT)")
            let orders = (1...200).map { "OK3-\($0)" }
            try await w.sql("INSERT INTO shop_orders (refund) VALUES ('OK3-1')")
            try await w.enqueue(orders)
            try await eventually("some settled") {
                try await w.sql("SELECT 1 FROM refund_queue WHERE state = 'settled'").count >= 20
            }
            let copy = w.path("copy.db")
            let made = try await w.refundd("backup", copy)
            #expect(made.exitCode == 0, "\(made.output) \(made.errors)")
            #expect(made.output.contains("\(copy) is a faithful copy of the database"))
            let attributes = try Self.files.attributesOfItem(atPath: copy)
            #expect(attributes[.posixPermissions] as? Int == 0o600)

            let environment = ["REFUNDD_DATABASE_PATH": copy]
            let show = try await w.refundd("show", "OK3-1", "--json", environment: environment).json
            #expect(show["refund"]["merchant_order_no"].text == "OK3-1")
            #expect(try await w.refundd("verify", copy).exitCode == 0)
            #expect(try await w.sql("SELECT 1 FROM shop_orders", database: copy).count == 1, "the whole file")
            for suffix in ["-wal", "-shm", "-journal", ".partial"] {
                #expect(!Self.files.fileExists(atPath: copy + suffix), "one file: \(suffix)")
            }
            for order in orders { try await w.refund(order, is: "settled") }

            // If the database is lost, the daemon continues from the copy.
            w.daemon?.kill()
            try await w.startDaemon(environment: environment)
            try await eventually("all settled in the copy") {
                try await w.sql("SELECT 1 FROM refund_queue WHERE state = 'settled'", database: copy).count == 200
            }
            #expect(try await w.refundd("verify", environment: environment).exitCode == 0)
        }
    }

    @Test(.endToEnd) func existingFilesAreNeverReplaced() async throws {
        try await withWorkspace { w in
            try await w.initDatabase()
            try w.write("mine", to: "copy.db")
            for suffix in ["", "-wal", "-shm", "-journal", ".lock"] {
                let made = try await w.refundd("backup", w.database + suffix)
                #expect(made.exitCode == 1, "\(suffix): \(made.errors)")
                #expect(made.errors.contains("give the copy another name"))
            }
            try w.link("refundd.db-wal", as: w.path("link"))
            #expect(try await w.refundd("backup", w.path("link")).exitCode == 1)
            let made = try await w.refundd("backup", w.path("copy.db"))
            #expect(made.exitCode == 1)
            #expect(made.errors.contains("copy.db already exists"))
            #expect(try String(contentsOfFile: w.path("copy.db"), encoding: .utf8) == "mine")

            try w.write("mine", to: "other.db.partial")
            let other = try await w.refundd("backup", w.path("other.db"))
            #expect(other.exitCode == 1)
            #expect(other.errors.contains("other.db.partial already exists"), "\(other.errors)")
            #expect(try String(contentsOfFile: w.path("other.db.partial"), encoding: .utf8) == "mine")
            #expect(!Self.files.fileExists(atPath: w.path("other.db")))
            #expect(try await w.refundd("backup", w.path("missing/copy.db")).exitCode == 74)
        }
    }

    @Test(.endToEnd) func copyThatDoesNotFitLeavesNothingBehind() async throws {
        try await withWorkspace { w in
            let disk = try SmallDisk(in: w, kilobytes: 64)
            try await w.initDatabase()
            let made = try await w.refundd("backup", disk.path + "/copy.db")
            #expect(made.exitCode == 74)
            #expect(made.errors.contains("\(disk.path)/copy.db.partial is full"), "\(made.errors)")
            #expect(made.errors.contains("the partial file was removed"), "\(made.errors)")
            #expect(try Self.files.contentsOfDirectory(atPath: disk.path) == [])
            #expect(try await w.refundd("verify").exitCode == 0)
        }
    }

    @Test(.endToEnd) func faithfulCopyOfALedgerWithProblemsIsKept() async throws {
        try await withWorkspace { w in
            try await w.initDatabase()
            try await w.sql("DROP TRIGGER refund_queue_delete")
            let made = try await w.refundd("backup", w.path("copy.db"))
            #expect(made.exitCode == 1)
            #expect(made.output.contains("trigger refund_queue_delete is missing"), "\(made.output)")
            #expect(made.errors.contains("is a faithful copy of the database, which has these problems"))
            #expect(Self.files.fileExists(atPath: w.path("copy.db")))
        }
    }
}
