import ArgumentParser
import Foundation
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundScheduler

struct VerifyWebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Explain why a webhook's signature does not match.",
        discussion: """
            Give the headers and the body that a receiver got, or the whole request as it was captured, head and body. \
            It tries the usual mistakes with the secret, the timestamp, the signed content, the body and the \
            signature's form, and names the one that explains the difference. Exits 0 if the webhook is genuine, and 1 if not.

            Examples:
              refundd webhooks verify --request request.txt
              refundd webhooks verify --body body --id msg_1 --timestamp 1795316646 \\
                --signature v1,…
            """
    )

    // Far more than any event.
    private static let limit = 1 << 20

    @OptionGroup var receiver: ReceiverOptions

    @Option(help: "The value of the header webhook-id.")
    var id: String?

    @Option(help: "The value of the header webhook-timestamp.")
    var timestamp: String?

    @Option(help: "The value of the header webhook-signature.")
    var signature: String?

    @Option(help: "The file with the body as it arrived; - for standard input.", completion: .file())
    var body: String?

    @Option(help: "The file with the whole request, head and body; - for standard input.", completion: .file())
    var request: String?

    @Option(
        help: "When it arrived, such as 2026-11-22T03:04:05Z, or 2h for two hours ago. (default: now)",
        transform: parsedTime(_:)
    )
    var at: Timestamp?

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        guard (body == nil) != (request == nil) else { throw ValidationError("give --body or --request") }
        guard request == nil || [id, timestamp, signature].allSatisfy({ $0 == nil }) else {
            throw ValidationError("--request has the headers; leave out --id, --timestamp and --signature")
        }
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let trial = try receiver.trial()
            let check = try check(trial, at: at ?? SystemClock().now())
            receiver.common.show(asJSON: json) { json in
                json.bool("genuine", check.isGenuine)
                json.strings("findings", check.lines)
            } _: { width in
                [check.isGenuine ? Line("genuine", .good) : Line("NOT GENUINE", .bad)]
                    + check.lines.flatMap { Line("- \($0)").folded(to: width) }
            }
            guard check.isGenuine else { throw CommandFailure(.failed, []) }
        }
    }

    private func check(_ trial: ReceiverTrial, at now: Timestamp) throws(CommandFailure) -> SignatureCheck {
        guard let request else {
            let body = try content(of: body ?? "-")
            return SignatureCheck(trial, id: id, timestamp: timestamp, signature: signature, body: body, at: now)
        }
        guard let check = SignatureCheck(trial, request: try content(of: request), at: now) else {
            throw CommandFailure(.failed, ["\(request): no empty line separates the headers from the body"])
        }
        return check
    }

    private func content(of file: String) throws(CommandFailure) -> [UInt8] {
        let bytes: [UInt8]
        if file == "-" {
            bytes = [UInt8]((try? FileHandle.standardInput.readToEnd()) ?? Data())
        } else {
            do throws(SystemError) {
                bytes = try OpenFile(path: file).bytes(limit: Self.limit)
            } catch {
                throw CommandFailure(.failed, ["cannot read \(file): \(error)"])
            }
        }
        guard bytes.count <= Self.limit else {
            throw CommandFailure(.failed, ["\(file) is larger than 1 MiB, so it is no webhook of refundd's"])
        }
        return bytes
    }
}
