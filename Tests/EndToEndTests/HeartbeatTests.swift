import Foundation
import Testing

/// The heartbeat over real HTTP.
struct HeartbeatTests {
    private func requests(_ monitor: Receiver) throws -> [String] {
        guard let data = FileManager.default.contents(atPath: monitor.log) else { return [] }
        return try JSON.lines(of: String(decoding: data, as: UTF8.self)).map { line in
            "\(line["method"].text ?? "") \(line["path"].text ?? "")"
        }
    }

    @Test(.endToEnd) func monitorHearsOfProgressAndItsURLIsShownNowhere() async throws {
        try await withWorkspace { w in
            let monitor = try await w.startReceiver()
            try w.configure("heartbeat", ["url": "\"\(monitor.url("monitor/top-secret"))\"", "interval": "\"1m\""])
            try await w.startSimulator()
            try await w.initDatabase()
            try await w.enqueue("OK-1")
            try await w.startDaemon()
            try await eventually("the first heartbeat") { try requests(monitor) == ["GET /monitor/top-secret"] }
            #expect(try await w.sql("SELECT 1 FROM refund_heartbeat").count == 1)
            let doctor = try await w.refundd("doctor")
            #expect(doctor.output.contains("a monitor hears every 1m"))
            // Another URL applies with a reload; one that refuses is a warning, once.
            try w.configure("heartbeat", ["url": "\"\(monitor.url("status/503/top-secret"))\""])
            w.daemon?.signal(SIGHUP)
            try await w.daemon?.waitForErrors(containing: "the monitor does not accept heartbeats")
            #expect(try requests(monitor).last == "GET /status/503/top-secret")
            #expect(w.daemon?.errors.contains("HTTP status 405") == true)
            try await w.refund("OK-1", is: "settled")
            let log = w.daemon?.errors ?? ""
            #expect(log.contains("heartbeat.url"))
            #expect(!(log + doctor.output + doctor.errors).contains("top-secret"))
        }
    }

    @Test(.endToEnd) func environmentSetsTheURL() async throws {
        try await withWorkspace { w in
            let monitor = try await w.startReceiver()
            try await w.startSimulator()
            try await w.initDatabase()
            try await w.startDaemon(environment: ["REFUNDD_HEARTBEAT_URL": monitor.url("monitor/1")])
            try await eventually("the heartbeat") { try requests(monitor) == ["GET /monitor/1"] }
        }
    }
}
