import ArgumentParser
import Foundation
import RefundCore

/// Compares polling schedules over a simulated month.
@main
struct Program: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refund-benchmark-schedules",
        abstract: "Compare polling schedules by their queries per refund and by how soon they notice a verdict.",
        discussion: """
            Draws a month of refunds and when each settles, and lets refundd's own state machine decide when to query \
            under each schedule. The gateway answers at once and as often as it is asked. A refund without a verdict is \
            watched for 28 days. "Never noticed" are refunds that settled after the schedule gave up.

            A schedule's name says its first interval, multiplier and longest interval, and the interval of old refunds, \
            from an age of 24 hours on unless it says otherwise. The peaks are the busiest day and hour of a shop that \
            has been enqueuing for months; those of another size are in proportion. The times of one payment kind hold \
            for any mix of kinds.
            """
    )

    @Option(help: "How many refunds are drawn.")
    var refunds = 100_000

    @Option(help: "Decides what is drawn.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Write every figure to this file.", valueName: "file"))
    var json: String?

    func validate() throws {
        guard 1...10_000_000 ~= refunds else { throw ValidationError("--refunds must be from 1 to 10000000") }
    }

    func run() throws {
        var random = SplitMix64(seed: seed)
        let drawn = (0..<refunds).map { _ in SimulatedRefund(using: &random) }
        let months = Schedule.compared.map { Month(of: drawn, under: $0, seed: seed) }
        let report = Report(months: months, refunds: refunds, seed: seed)
        for line in report.lines { print(line) }
        if let json { try Data((report.json + "\n").utf8).write(to: URL(fileURLWithPath: json)) }
    }
}

/// A polling policy with a name, and with a last query where it gives up.
struct Schedule {
    let name: String
    let policy: PollingPolicy
    /// How many queries are sent at most; nil for the way of refundd, which goes on until there is a verdict.
    let mostQueries: Int?

    init(_ name: String, mostQueries: Int? = nil, _ change: (inout PollingPolicy) -> Void = { _ in }) {
        self.name = name
        self.mostQueries = mostQueries
        var policy = PollingPolicy()
        change(&policy)
        self.policy = policy
    }

    /// The same interval for ever.
    private static func every(_ interval: Duration, _ name: String, mostQueries: Int? = nil) -> Schedule {
        Schedule(name, mostQueries: mostQueries) { policy in
            policy.initialInterval = interval
            policy.multiplier = 1
            policy.maxInterval = interval
            policy.slowAfter = .zero
            policy.slowInterval = interval
        }
    }

    private static let minute: Duration = .seconds(60)
    private static let hour: Duration = .seconds(3_600)

    /// Every schedule of the comparison, what refundd does without a configuration first.
    ///
    /// A name says the first interval, the multiplier and the longest interval, then the interval of old refunds, which are
    /// those from an age of 24 hours on unless it says otherwise.
    static let compared: [Schedule] = [
        Schedule("default: 5s x2 30m, 1h"),
        every(minute, "every 1m"),
        every(minute * 5, "every 5m"),
        every(minute * 15, "every 15m"),
        every(hour, "every 1h"),
        Schedule("1s x2 30m, 1h") { $0.initialInterval = .seconds(1) },
        Schedule("30s x2 30m, 1h") { $0.initialInterval = .seconds(30) },
        Schedule("1m x2 30m, 1h") { $0.initialInterval = minute },
        Schedule("5s x1.5 30m, 1h") { $0.multiplier = 1.5 },
        Schedule("5s x3 30m, 1h") { $0.multiplier = 3 },
        Schedule("5s x2 10m, 1h") { $0.maxInterval = minute * 10 },
        Schedule("5s x2 1h, 1h") { $0.maxInterval = hour },
        Schedule("5s x2 30m, 30m") { $0.slowInterval = minute * 30 },
        Schedule("5s x2 30m, 2h") { $0.slowInterval = hour * 2 },
        Schedule("5s x2 30m, 6h") { $0.slowInterval = hour * 6 },
        Schedule("5s x2 30m, 1h from 6h") { $0.slowAfter = hour * 6 },
        Schedule("5s x2 30m, 1h from 3d") { $0.slowAfter = hour * 72 },
        every(minute, "1m for 15m, stops", mostQueries: 16),
        // What Hyperswitch does where nothing else is configured: the default of its ConnectorPTMapping.
        Schedule("1m, then 5x 5m, stops", mostQueries: 7) { policy in
            policy.initialInterval = minute
            policy.multiplier = 5
            policy.maxInterval = minute * 5
        },
        // What Kill Bill does by default with pending transactions: org.killbill.payment.janitor.pending.retries.
        Schedule("1h, then 1d, stops", mostQueries: 3) { policy in
            policy.initialInterval = hour
            policy.multiplier = 24
            policy.maxInterval = hour * 24
            policy.slowInterval = hour * 24
        },
    ]
}
