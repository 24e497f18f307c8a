import Testing

/// Receivers that are not allowed.
struct ReceiverPolicyTests {
    /// Waits for the first attempt at a refund's webhook, and checks that it was refused.
    private func expectRefusal(of order: String, in w: Workspace) async throws -> String {
        let webhook = try await eventually("an attempt for \(order)") {
            try await w.webhooks(order).first { $0["attempts"].integer == 1 }
        }
        #expect(webhook["state"].text == "pending")
        #expect(webhook["last_status"] == .null)
        let attempts = try await w.sql(
            "SELECT error FROM refund_webhook_attempts WHERE webhook_id = '\(webhook["id"].text ?? "")'"
        )
        #expect(attempts.count == 1, "a failed attempt like any other")
        return webhook["last_error"].text ?? ""
    }

    @Test(.endToEnd) func loopbackReceiverOutsideAllowHostsIsRefused() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver(tls: true)
            try w.configure(
                "webhook",
                [
                    "url": "\"\(receiver.url("take"))\"", "allow_hosts": "[]", "ca_file": "\"ca.pem\"",
                    "retry_schedule": #"["1h"]"#,
                ]
            )
            try await w.startEverything()
            try await w.enqueue("OK-1")
            let error = try await expectRefusal(of: "OK-1", in: w)
            #expect(error.contains("allow_hosts"), "what to change: \(error)")
            #expect(error.contains("127.0.0.1"))
            #expect(try receiver.requests().isEmpty)
        }
    }

    @Test(.endToEnd) func onlyTheNamedPortIsAllowed() async throws {
        try await withWorkspace { w in
            let named = try await w.startReceiver()
            let other = try await w.startReceiver()
            try w.configure(
                "webhook",
                ["allow_hosts": "[\"\(named.host)\"]", "retry_schedule": #"["1h"]"#]
            )
            try await w.startEverything()
            try await w.enqueue("OK-1", ["callback_url": named.url("take")])
            try await w.enqueue("OK-2", ["callback_url": other.url("take")])
            try await eventually("the named receiver's webhook") { try named.requests().count == 1 }
            #expect(try await expectRefusal(of: "OK-2", in: w).contains("allow_hosts"))
            #expect(try other.requests().isEmpty)
        }
    }

    @Test(.endToEnd) func specialAddressesAreRefused() async throws {
        try await withWorkspace { w in
            try w.configure(
                "webhook",
                ["allow_hosts": #"["169.254.0.0/16", "127.0.0.1"]"#, "retry_schedule": #"["1h"]"#]
            )
            try await w.startEverything()
            let refused: [(url: String, words: [String])] = [
                ("https://169.254.169.254/latest/meta-data", ["169.254.169.254"]),
                ("http://169.254.169.254/latest/meta-data", ["169.254.169.254"]),
                ("https://10.1.2.3/r", ["10.1.2.3", "allow_hosts"]),
                ("https://[::1]/r", ["allow_hosts"]),
                ("https://[::ffff:10.1.2.3]/r", ["allow_hosts"]),
                ("https://localhost/r", ["allow_hosts"]),
                ("https://0.0.0.0/r", []),
                ("https://user:pw@shop.example/r", ["user name or password"]),
                ("https://2130706433/r", ["IPv4"]),
            ]
            for (number, receiver) in refused.enumerated() {
                try await w.enqueue("OK-\(number)", ["callback_url": receiver.url])
            }
            for (number, receiver) in refused.enumerated() {
                let error = try await expectRefusal(of: "OK-\(number)", in: w)
                #expect(!error.isEmpty)
                for word in receiver.words { #expect(error.contains(word), "\(receiver.url): \(error)") }
            }
        }
    }

    @Test(.endToEnd) func plainHTTPIsRefusedOutsideAllowHosts() async throws {
        try await withWorkspace { w in
            try w.configure("webhook", ["allow_hosts": #"["hooks.internal"]"#, "retry_schedule": #"["1h"]"#])
            try await w.startEverything()
            try await w.enqueue("OK-1", ["callback_url": "http://shop.example/r"])
            let error = try await expectRefusal(of: "OK-1", in: w)
            #expect(error.contains("http"))
            #expect(error.contains("allow_hosts"), "what to change: \(error)")
        }
    }

    @Test(.endToEnd) func proxiesOfTheEnvironmentAreIgnored() async throws {
        try await withWorkspace { w in
            let proxy = try await w.startReceiver()
            let receiver = try await w.startReceiver()
            try await w.startSimulator()
            try await w.initDatabase()
            let names = ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
            try await w.startDaemon(environment: Dictionary(uniqueKeysWithValues: names.map { ($0, proxy.origin) }))
            try await w.enqueue("OK-1", ["callback_url": receiver.url("take")])
            try await eventually("the webhook, past the proxy") { try receiver.requests().count == 1 }
            #expect(try await w.refund("OK-1")["state"].text == "settled")
            #expect(try proxy.requests().isEmpty)
        }
    }
}
