import Foundation
import Testing

/// `refundd webhooks send`, `verify` and `listen`: the tools for whoever writes a receiver.
struct ReceiverToolTests {
    private static let types = [
        "refund.settled", "refund.failed", "refund.abandoned", "refund.needs_attention", "gateway.needs_attention",
        "refund.processing",
    ]

    /// Starts `listen` on a free port.
    private func listen(
        _ w: Workspace,
        _ arguments: String...
    ) async throws -> (process: RunningProcess, url: String) {
        let process = try w.start(
            Programs.refundd,
            ["webhooks", "listen", "--listen", "127.0.0.1:0", "--config", w.configurationFile] + arguments,
            name: "listen"
        )
        try await process.waitForErrors(containing: "listening on ")
        let url = try #require(process.errors.split(separator: " ").first { $0.hasPrefix("http://") })
        return (process, url.trimmingCharacters(in: .punctuationCharacters) + "/hook")
    }

    /// The output without the line breaks that fit it to the terminal.
    private func unfolded(_ finished: Finished) -> String {
        finished.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    // MARK: - send

    @Test(.endToEnd) func referenceLibraryAcceptsEveryTestEventOverTLS() async throws {
        try await withWorkspace { w in
            try w.writeSecret(to: "second_secret")
            let receiver = try await w.startReceiver(secrets: ["webhook_secret", "second_secret"], tls: true)
            // Neither a database nor a gateway.
            try w.replaceConfiguration(
                """
                [webhook]
                secret_files = ["webhook_secret", "second_secret"]
                allow_hosts = ["\(receiver.host)"]
                ca_file = "ca.pem"
                """
            )
            for type in Self.types {
                let sent = try await w.refundd("webhooks", "send", "--to", receiver.url("take"), "--type", type)
                #expect(sent.exitCode == 0, "\(sent.errors)")
                for word in [type, "msg_test_", "HTTP 200", "it answered: ok", "accepted: "] {
                    #expect(sent.output.contains(word), "\(sent.output)")
                }
            }
            let received = try receiver.requests()
            #expect(received.map(\.type) == Self.types)
            #expect(received.allSatisfy(\.isVerified) && received.allSatisfy { $0.contentType == "application/json" })
            #expect(received.allSatisfy { $0.id.hasPrefix("msg_test_") })
            #expect(Set(received.map(\.id)).count == received.count)
            #expect(!FileManager.default.fileExists(atPath: w.database))
        }
    }

    @Test(.endToEnd) func whatTheDaemonWouldDoIsSaidAfterAFailure() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            let closed = try await w.freePort()
            try w.configure("webhook", ["retry_schedule": #"["5s", "5m"]"#])
            for (url, words) in [
                (
                    receiver.url("status/500"),
                    ["HTTP 500", "it answered: ok", "retry in 5s, and 1 more time within 5m"]
                ),
                (receiver.url("status/410"), ["HTTP 410", "disable this URL"]),
                (receiver.url("redirect"), ["HTTP 302", "redirects are not followed", "retry in 5s"]),
                (receiver.url("retry-after/60"), ["HTTP 429", "retry in 1m (Retry-After)"]),
                (receiver.url("garbage"), ["retry in 5s"]),
                ("http://127.0.0.1:\(closed)/", ["connection to the server failed", "retry in 5s"]),
            ] {
                let sent = try await w.refundd("webhooks", "send", "--to", url)
                #expect(sent.exitCode == 1)
                let text = unfolded(sent)
                for word in words + ["NOT ACCEPTED"] { #expect(text.contains(word), "\(url): \(text)") }
            }
            #expect(try receiver.requests(to: "take/redirected").isEmpty)
        }
    }

    @Test(.endToEnd) func refusedAddressNamesTheEntryThatAllowsIt() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["allow_hosts": "[]"])
            let refused = try await w.refundd("webhooks", "send", "--to", receiver.url("take"))
            #expect(refused.exitCode == 1)
            #expect(
                unfolded(refused).contains("add \"\(receiver.host)\" to [webhook] allow_hosts"),
                "\(refused.output)"
            )
            #expect(try receiver.requests().isEmpty)
            try w.configure("webhook", ["allow_hosts": "[\"\(receiver.host)\"]"])
            #expect(try await w.refundd("webhooks", "send", "--to", receiver.url("take")).exitCode == 0)
        }
    }

    @Test(.endToEnd) func secretFileIsEnoughWithoutAConfiguration() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            let arguments = ["webhooks", "send", "--to", receiver.url("take")]
            let environment = ["REFUNDD_WEBHOOK_ALLOW_HOSTS": "127.0.0.1"]
            let secret = ["--secret-file", "webhook_secret"]
            let sent = try await w.run(Programs.refundd, arguments + secret, environment: environment)
            #expect(sent.exitCode == 0, "\(sent.errors)\(sent.output)")
            #expect(try receiver.requests().first?.isVerified == true)
            let without = try await w.run(Programs.refundd, arguments, environment: environment)
            #expect(without.exitCode == 78 && without.errors.contains("refundd.conf"), "\(without.errors)")
            try w.protect("webhook_secret", 0o644)
            let exposed = try await w.run(Programs.refundd, arguments + secret, environment: environment)
            #expect(exposed.exitCode == 78 && exposed.errors.contains("chmod 600"), "\(exposed.errors)")
        }
    }

    // MARK: - listen

    @Test(.endToEnd) func listenerPrintsWhatSendSends() async throws {
        try await withWorkspace { w in
            try w.configure("webhook", ["allow_hosts": #"["127.0.0.1"]"#])
            let (listener, url) = try await listen(w, "--count", "2")
            for type in ["refund.failed", "gateway.needs_attention"] {
                let sent = try await w.refundd("webhooks", "send", "--to", url, "--type", type)
                #expect(sent.exitCode == 0 && sent.output.contains("HTTP 200"), "\(sent.output)\(sent.errors)")
                let last = try #require(JSON.lines(of: listener.output).last, "printed before it is answered")
                #expect(last["event"]["type"].text == type)
                #expect(sent.output.contains(last["id"].text ?? "-"))
            }
            #expect(try await listener.exitCode() == 0)
            #expect(try JSON.lines(of: listener.output).count == 2)
        }
    }

    @Test(.endToEnd) func listenerRefusesWhatDoesNotVerifyAndSaysWhy() async throws {
        try await withWorkspace { w in
            try w.writeSecret(to: "other_secret")
            try w.configure("webhook", ["allow_hosts": #"["127.0.0.1"]"#])
            let (listener, url) = try await listen(w, "--once", "--secret-file", "other_secret")
            let sent = try await w.refundd("webhooks", "send", "--to", url)
            #expect(sent.exitCode == 1 && sent.output.contains("HTTP 401"), "\(sent.output)")
            try await listener.waitForErrors(containing: "signed with another secret: \(w.path("webhook_secret"))")
            let posted = try await w.run("curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-d", "{}", url])
            #expect(posted.output == "401")
            try await listener.waitForErrors(containing: "webhook-signature is missing")
            #expect(listener.output.isEmpty)
        }
    }

    @Test(.endToEnd) func listenerAnswersWhatItIsToldAndTheDaemonRetries() async throws {
        try await withWorkspace { w in
            let (listener, url) = try await listen(w, "--status", "503")
            try w.configure(
                "webhook",
                [
                    "url": "\"\(url)\"", "allow_hosts": #"["127.0.0.1"]"#, "secret_files": #"["webhook_secret"]"#,
                    "retry_schedule": #"["100ms", "1h"]"#,
                ]
            )
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await eventually("two attempts") { try JSON.lines(of: listener.output).count == 2 }
            let lines = try JSON.lines(of: listener.output)
            #expect(lines[0]["id"] == lines[1]["id"])
            #expect(lines[0]["event"]["data"]["merchant_order_no"].text == "OK-1")
            let webhook = try await w.webhooks("OK-1").first
            #expect(webhook?["last_status"].integer == 503)
        }
    }

    @Test(.endToEnd) func slowAndHugeRequestsDoNotHoldUpTheListener() async throws {
        try await withWorkspace { w in
            try w.configure("webhook", ["allow_hosts": #"["127.0.0.1"]"#])
            let (listener, url) = try await listen(w, "--once")
            let port = try #require(URL(string: url)?.port)
            let hostile = """
                import socket, sys, time
                port = int(sys.argv[1])
                slow = []
                for _ in range(80):
                    s = socket.create_connection(("127.0.0.1", port)); s.sendall(b"POST / HTTP/1.1\\r\\nContent-Le"); slow.append(s)
                s = socket.create_connection(("127.0.0.1", port))
                s.sendall(b"POST / HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 9999999999\\r\\n\\r\\n")
                print(s.recv(100).split()[1].decode(), flush=True)
                time.sleep(600)
                """
            let client = try w.start(Workspace.python, ["-c", hostile, "\(port)"], name: "hostile")
            #expect(try await client.outputLine(beginning: "413") == "")
            let sent = try await w.refundd("webhooks", "send", "--to", url)
            #expect(sent.exitCode == 0, "\(sent.output)")
            #expect(try await listener.exitCode() == 0)
        }
    }

    @Test(.endToEnd) func listenerInTheWayIsNamed() async throws {
        try await withWorkspace { w in
            let (_, url) = try await listen(w)
            let port = try #require(URL(string: url)?.port)
            let second = try await w.refundd("webhooks", "listen", "--listen", "127.0.0.1:\(port)")
            #expect(second.exitCode == 1)
            #expect(second.errors.contains("127.0.0.1:\(port): another program listens there; give another --listen"))
        }
    }

    // MARK: - verify

    @Test(.endToEnd) func capturedWebhookIsVerifiedAndMistakesAreExplained() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            #expect(try await w.refundd("webhooks", "send", "--to", receiver.url("take")).exitCode == 0)
            let received = try #require(try receiver.requests().first)
            let sign =
                "import sys, datetime, standardwebhooks as s; b, id, at, f = sys.argv[1:]; "
                + "print(s.Webhook(open(f).read().strip()).sign(id, datetime.datetime.fromtimestamp(int(at), "
                + "datetime.timezone.utc), b))"
            let timestamp = "\(try #require(received.timestamp))"
            let signature = try await w.run(
                Workspace.python,
                ["-c", sign, received.body, received.id, timestamp, "webhook_secret"]
            ).output.trimmingCharacters(in: .newlines)
            let headers = [
                "webhook-id: \(received.id)", "webhook-timestamp: \(timestamp)", "webhook-signature: \(signature)",
            ]
            let head = (["POST /take HTTP/1.1", "Host: x"] + headers).joined(separator: "\r\n")
            try w.write("\(head)\r\n\r\n\(received.body)", to: "request.txt")
            try w.write(received.body + "\n", to: "body.json")

            let genuine = try await w.refundd("webhooks", "verify", "--request", "request.txt")
            #expect(genuine.exitCode == 0, "\(genuine.output)\(genuine.errors)")
            #expect(unfolded(genuine).hasPrefix("genuine - the signature is right, by "))
            let parts = ["--id", received.id, "--timestamp", timestamp, "--signature", signature]
            let changed = try await w.run(
                Programs.refundd,
                ["webhooks", "verify", "--body", "body.json", "--config", w.configurationFile] + parts
            )
            #expect(changed.exitCode == 1)
            #expect(unfolded(changed).hasPrefix("NOT GENUINE - it signs the body without the line break at its end"))
            let late = try await w.refundd("webhooks", "verify", "--request", "request.txt", "--at", "2h", "--json")
            #expect(late.exitCode == 1)
            #expect(try late.json["genuine"] == .bool(false))
            #expect(late.output.contains("in the future, and receivers allow 5m"), "\(late.output)")
            let pretty = try await w.run(
                "sh",
                [
                    "-c", "python3 -m json.tool body.json | exec \"$0\" webhooks verify --body - \"$@\"",
                    Programs.refundd,
                ]
                    + parts + ["--secret-file", "webhook_secret"]
            )
            #expect(
                unfolded(pretty).contains("the body was parsed and written again"),
                "\(pretty.output)\(pretty.errors)"
            )
            let missing = try await w.refundd("webhooks", "verify", "--body", "none.json")
            #expect(missing.exitCode == 1 && missing.errors.contains("none.json"))
        }
    }
}
