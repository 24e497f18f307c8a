import ArgumentParser
import RefundCore
import RefundDaemon

struct SendWebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send a signed test event to a receiver, as the daemon sends real ones.",
        discussion: """
            Its webhook-id begins with msg_test_, its refund_id is 0, and its metadata is {"test":true}. Needs neither a \
            database nor a gateway. Exits 0 if the receiver accepts it, and 1 if not.

            Examples:
              refundd webhooks send --to https://shop.example/refunds
              refundd webhooks send --to http://127.0.0.1:8080/ --type refund.failed
            """
    )

    // As much as a reader wants to see of an error page.
    private static let answerLength = 400

    @OptionGroup var receiver: ReceiverOptions

    @Option(name: .customLong("to"), help: "The receiver's URL.")
    var url: String

    @Option(
        help: "The event's type: \(names(of: EventType.self)).",
        completion: .list(EventType.allCases.map(\.rawValue)),
        transform: { try named($0, "type") }
    )
    var type = EventType.settled

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let terminal = receiver.common.terminal
            let display = WaitDisplay()
            defer { display.end() }
            display.begin("the receiver")
            let report = try await receiver.trial().send(type, to: url)
            display.end()
            printLines(lines(report, width: terminal.width), on: terminal)
            guard report.outcome.isDelivered else { throw CommandFailure(.failed, []) }
        }
    }

    private func lines(_ report: TestDelivery, width: Int) -> [Line] {
        let outcome = report.outcome
        let result = outcome.error ?? outcome.status.map { "HTTP \($0)" } ?? "no response"
        var texts = [
            "\(type.rawValue) to \(HTTPURL.endpoint(of: url))", "webhook-id \(report.id)",
            "\(result.asClause), after \(outcome.duration.wholeMilliseconds) ms",
        ]
        let answer = String(decoding: outcome.answer, as: UTF8.self).split(whereSeparator: \.isWhitespace)
            .joined(separator: " ")
        if !answer.isEmpty { texts.append("it answered: \(answer.sanitized(maxLength: Self.answerLength))") }
        let verdict =
            outcome.isDelivered
            ? Line("accepted: \(report.consequence)", .good) : Line("NOT ACCEPTED: \(report.consequence)", .bad)
        return (texts.map { Line($0) } + [verdict]).flatMap { $0.folded(to: width) }
    }
}
