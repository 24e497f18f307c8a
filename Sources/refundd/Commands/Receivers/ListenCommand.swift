import ArgumentParser
import RefundCore
import RefundDaemon

struct ListenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "listen",
        abstract: "Receive webhooks, and print those whose signature is right.",
        discussion: """
            Each verified event is one line of JSON on standard output, printed before it is answered. Other requests \
            get 401, and standard error says what is wrong with them. With --status 500 you see the daemon retry.

            Examples:
              refundd webhooks listen
              refundd webhooks listen --once | jq .event.data.state
            """
    )

    @OptionGroup var receiver: ReceiverOptions

    @Option(
        help: "The address to listen on; port 0 for a free one.",
        transform: { text in
            guard let address = ListenAddress(text), address.socketPath == nil else {
                throw ValidationError("\"\(text)\" is not a host and port, such as 127.0.0.1:8080")
            }
            return address
        }
    )
    var listen = ListenAddress("127.0.0.1:8080")

    @Option(help: "The HTTP status for verified events.")
    var status = 200

    @Option(help: "End after this many verified events.")
    var count: Int?

    @Flag(help: "End after one verified event.")
    var once = false

    func validate() throws {
        guard (200...599).contains(status) else { throw ValidationError("--status must be from 200 to 599") }
        guard count == nil || !once else { throw ValidationError("give --count or --once, not both") }
        if let count, count < 1 { throw ValidationError("--count must be at least 1") }
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            guard let listen else { return }
            let listener = WebhookListener(
                try receiver.trial(),
                status: status,
                count: once ? 1 : count,
                onEvent: { event in
                    printJSONLine(event)
                    // A reader at the other end of a pipe acts on each event.
                    flushOutput()
                },
                onProblem: { printMessage("refundd: \($0)") }
            )
            try await listener.run(on: listen) { port in
                var address = listen
                address.port = port
                let hint = "try it: refundd webhooks send --to http://\(address)/"
                printMessage("refundd: listening on http://\(address), answering \(status); \(hint)")
            }
        }
    }
}
