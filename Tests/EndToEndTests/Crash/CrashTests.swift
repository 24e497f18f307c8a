import Foundation
import RefundCore
import Testing

/// A daemon that is killed at the worst moments, again and again, over refunds in every stage.
///
/// A long run, and one that goes like an earlier one:
/// `TEST_CRASH_ROUNDS=300 TEST_CRASH_SEED=7 swift test --filter CrashTests`.
struct CrashTests {
    private static let points = [
        "after-migration", "after-takeover", "before-commit", "after-commit", "after-claim", "after-query",
        "after-answer", "before-delivery", "after-delivery",
    ]

    /// Runs a test over a queue in a file, or on a server.
    private func withCrashRun(onServer: Bool, _ body: (CrashRun) async throws -> Void) async throws {
        if TestedStores.isServerSelected { try Test.cancel("runs on both stores anyway") }
        let queue = onServer ? try ServerQueue() : nil
        try await withWorkspace(queue, slots: 2, isLong: true) { w in
            if let queue {
                try await body(CrashRun(w, PostgresCrashFixture(workspace: w, queue: queue)))
            } else {
                try await body(CrashRun(w, SQLiteCrashFixture(workspace: w)))
            }
        }
    }

    @Test(.endToEnd, arguments: [false, true])
    func nothingIsLostOrReportedTwiceWhereverTheDaemonIsKilled(onServer: Bool) async throws {
        try await withCrashRun(onServer: onServer) { run in
            // What happens at a point is the same on both stores; what a store makes of it is not.
            let passings = onServer ? [1, 3] : [1, 2, 5]
            for point in Self.points {
                for passing in point == "after-migration" || point == "after-takeover" ? [1] : passings {
                    try await run.life(endingBy: .atPoint(point, passing: passing))
                    try await run.life(endingBy: .afterStart(.zero), isCalm: true)
                }
            }
            print("crash run at every point\(onServer ? ", on PostgreSQL" : ""): \(try await run.finish())")
        }
    }

    @Test(.crashRun, arguments: [false, true])
    func nothingIsLostOrToldTwiceWheneverTheDaemonIsKilled(onServer: Bool) async throws {
        let environment = ProcessInfo.processInfo.environment
        let rounds = environment["TEST_CRASH_ROUNDS"].flatMap { Int($0) } ?? (onServer ? 10 : 40)
        let seed = environment["TEST_CRASH_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...999_999)
        print("crash run with TEST_CRASH_ROUNDS=\(rounds) TEST_CRASH_SEED=\(seed)")
        var random = SplitMix64(seed: seed)
        try await withCrashRun(onServer: onServer) { run in
            for _ in 0..<rounds {
                let end: CrashRun.End =
                    switch Int.random(in: 0..<6, using: &random) {
                    case 4: .whileLocked(.milliseconds(Int.random(in: 0..<1_500, using: &random)))
                    case 5:
                        .whileStopping(
                            signals: Int.random(in: 1...2, using: &random),
                            .milliseconds(Int.random(in: 0..<300, using: &random))
                        )
                    case 0: .afterLaunch(.milliseconds(Int.random(in: 0..<300, using: &random)))
                    case 1: .whenAsked
                    case 2: .whenReceived
                    default: .afterStart(.milliseconds(Int.random(in: 0..<800, using: &random)))
                    }
                try await run.life(endingBy: end, isCalm: Bool.random(using: &random))
            }
            print("crash run, seed \(seed)\(onServer ? ", on PostgreSQL" : ""): \(try await run.finish())")
        }
    }

    @Test(.endToEnd) func webhookWhoseAnswerIsLostIsSentAgainUnderTheSameIDWithTheSameBody() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startSimulator()
            try await w.initDatabase()
            try await w.enqueue("OK-1")
            let killed = try w.launchDaemon(environment: ["CRASH_POINT": "after-delivery:1"])
            #expect(try await killed.exitCode() == 128 + SIGKILL)
            #expect(try receiver.requests().count == 1)
            #expect(try await w.webhooks("OK-1").map { $0["state"].text } == ["pending"])

            try await w.startDaemon()
            try await eventually("delivered") {
                try await w.webhooks("OK-1").map { $0["state"].text } == ["delivered"]
            }
            let received = try receiver.requests()
            #expect(received.count == 2)
            #expect(received[0].id == received[1].id)
            #expect(received[0].body == received[1].body)
            #expect(received.allSatisfy { $0.isVerified })
            #expect(try await w.webhooks("OK-1")[0]["attempts"].integer == 1, "the lost one was never written")
        }
    }
}

extension Trait where Self == TimeLimitTrait {
    /// The bound of a run that may have been asked to take hundreds of rounds.
    static var crashRun: Self { .timeLimit(.minutes(60)) }
}
