import Foundation
import Testing

/// `deploy/receiver.py`, the receiver that integrators start from.
struct ExampleReceiverTests {
    private static let script = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../deploy/receiver.py")
        .standardizedFileURL.path

    /// Signs a body with the reference library of Standard Webhooks, posts it, and prints the status.
    private static let sender = """
        import datetime, sys, urllib.error, urllib.request, standardwebhooks
        url, secret, body = sys.argv[1:]
        now = datetime.datetime.now(tz=datetime.timezone.utc)
        signature = standardwebhooks.Webhook(open(secret).read().strip()).sign("msg_1", now, body)
        headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
        try: print(urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers)).status)
        except urllib.error.HTTPError as error: print(error.code)
        except Exception as error: print(error)
        """

    @Test(
        .endToEnd,
        arguments: [
            (#"{"type":"refund.settled","data":{"merchant_order_no":"R-1","trans_no":null,"gateway":"g"}}"#, "R-1"),
            (#"{"type":"refund.settled","data":{"merchant_order_no":null,"trans_no":"T-1","gateway":"g"}}"#, "T-1"),
            (#"{"type":"gateway.needs_attention","data":{"gateway":"jp","attention":"unreachable"}}"#, "jp"),
        ]
    )
    func eventIsPrintedBeforeItIsAcknowledged(body: String, subject: String) async throws {
        try await withWorkspace { w in
            let port = try await w.freePort()
            let secret = w.path("webhook_secret")
            let receiver = try w.start(Workspace.python, [Self.script, secret, "\(port)"], name: "receiver")
            let arguments = ["-c", Self.sender, "http://127.0.0.1:\(port)/", secret, body]
            try await eventually("204") {
                try await w.run(Workspace.python, arguments).output.hasPrefix("204")
            }
            #expect(try await receiver.outputLine(beginning: "verified ").hasSuffix(" \(subject) msg_1"))
        }
    }

    @Test(.endToEnd) func eventSignedWithAnotherSecretIsNotAcknowledged() async throws {
        try await withWorkspace { w in
            let port = try await w.freePort()
            let secret = w.path("webhook_secret")
            let receiver = try w.start(Workspace.python, [Self.script, secret, "\(port)"], name: "receiver")
            try w.write("whsec_\(Data(count: 32).base64EncodedString())", to: "other_secret")
            let body = #"{"type":"refund.settled","data":{"merchant_order_no":"R-1"}}"#
            for (secret, status) in [("other_secret", "401"), ("webhook_secret", "204")] {
                let arguments = ["-c", Self.sender, "http://127.0.0.1:\(port)/", w.path(secret), body]
                try await eventually(status) {
                    try await w.run(Workspace.python, arguments).output.hasPrefix(status)
                }
            }
            _ = try await receiver.outputLine(beginning: "verified ")
            #expect(receiver.output.components(separatedBy: "verified ").count == 2)
        }
    }

    @Test(.endToEnd) func eventThatCannotBeActedOnIsNotAcknowledged() async throws {
        try await withWorkspace { w in
            let port = try await w.freePort()
            let secret = w.path("webhook_secret")
            let receiver = try w.start(Workspace.python, [Self.script, secret, "\(port)"], name: "receiver")
            let url = "http://127.0.0.1:\(port)/"
            for (body, status) in [(#"{"type":"refund.settled","data":{"gateway":"g"}}"#, "204"), ("{}", "Remote end")]
            {
                try await eventually(status) {
                    try await w.run(Workspace.python, ["-c", Self.sender, url, secret, body]).output.contains(status)
                }
            }
            _ = try await receiver.outputLine(beginning: "verified ")
        }
    }
}
