import Foundation
import RefundCore
import RefundCrypto
import RefundHTTP
import RefundWebhooks
import Testing

/// The signatures, checked by the reference implementation for Python (<https://pypi.org/project/standardwebhooks/>).
///
/// `TEST_PYTHON` names a Python that can import it; without the variable it is `python3`.
struct IndependentReceiverTests {
    /// Reads what a receiver got from standard input and prints for each secret whether the webhook verifies.
    private static let receiver = """
        import base64, json, sys
        from standardwebhooks.webhooks import Webhook, WebhookVerificationError
        given = json.load(sys.stdin)
        body = base64.b64decode(given["body"])
        for secret in given["secrets"]:
            try:
                Webhook(secret).verify(body, given["headers"])
                print("good")
            except WebhookVerificationError as error:
                print("bad:", error)
        """

    private struct Given: Encodable {
        var headers: [String: String]
        var body: String
        var secrets: [String]
    }

    private func run(_ program: String, input: Data = Data()) throws -> (status: Int32, output: String) {
        let python = ProcessInfo.processInfo.environment["TEST_PYTHON"] ?? "python3"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [python, "-c", program]
        let standardInput = Pipe()
        let standardOutput = Pipe()
        process.standardInput = standardInput
        process.standardOutput = standardOutput
        process.standardError = standardOutput
        try process.run()
        try standardInput.fileHandleForWriting.write(contentsOf: input)
        try standardInput.fileHandleForWriting.close()
        let output = try standardOutput.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    @Test func standardWebhooksForPythonVerifiesWhatIsSent() async throws {
        try #require(
            try run("import standardwebhooks").status == 0,
            """
            The package standardwebhooks cannot be imported. Install it: \
            python3 -m venv DIR && DIR/bin/pip install standardwebhooks; \
            then set TEST_PYTHON=DIR/bin/python and run the tests again.
            """
        )
        let secrets = WebhookSender.Settings.secrets
        let client = ScriptedClient(.success(.canned(200)))
        let sender = client.sender(try .test(secrets: secrets))
        var delivery = Delivery.test()
        delivery.body = Array(#"{"type":"refund.settled","data":{"amount":"1200","note":"返金 café \u0000"}}"#.utf8)
        // The package takes timestamps within five minutes of its own clock only.
        _ = await sender.outcome(
            delivery,
            at: Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        )
        let request = try #require(client.requests.first)
        let stranger = "whsec_" + Base64.encoded([UInt8](repeating: 1, count: 32))
        var given = Given(
            headers: Dictionary(request.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }),
            body: Base64.encoded(request.body),
            secrets: secrets + [stranger]
        )
        let verified = try run(Self.receiver, input: JSONEncoder().encode(given))
        #expect(verified.output == "good\ngood\nbad: No matching signature found\n")

        given.body = Base64.encoded(request.body + [0x20])
        given.secrets = secrets
        let changed = try run(Self.receiver, input: JSONEncoder().encode(given))
        #expect(changed.output == "bad: No matching signature found\nbad: No matching signature found\n")
    }
}
