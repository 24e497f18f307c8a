import Foundation
import Testing

/// The page of the admin address.
struct AdminPageTests {
    @Test(.endToEnd) func pageLeadsFromWhatIsWrongToTheRefundAndItsCommand() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            let port = try await w.freePort()
            try w.configure(
                "admin",
                ["listen": "\"127.0.0.1:\(port)\"", "hosts": "[\"refunds.internal\"]"]
            )
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))?token=secret\""])
            try await w.startEverything()
            #expect(try await w.get("/", port: port).body.contains("Healthy: "))
            try await w.enqueue("OK-1", ["metadata": #"{"cart":"secret"}"#])
            try await w.enqueue("MISMATCH-1", ["expected_amount": "12", "expected_currency": "EUR"])
            try await w.refund("OK-1", is: "settled")
            try await w.refund("MISMATCH-1") { $0["attention"].text == "mismatch" }

            let page = try await w.get("/", port: port)
            #expect(page.status == 200)
            #expect(page.type == "text/html; charset=utf-8")
            #expect(page.body.contains("Needs an operator: 1 refund needs attention: 1 mismatch."))
            #expect(page.body.contains("refundd resolve MISMATCH-1 --as settled --reason TEXT"))
            #expect(page.body.contains(">12 (1 refund)<"))
            let row = try #require(try await w.refund("MISMATCH-1")["id"].integer)
            #expect(page.body.contains("<a href=\"/refunds/\(row)\">MISMATCH-1</a>"))
            let refund = try await w.get("/refunds/\(row)", port: port)
            #expect(refund.body.contains("Number of the sale (orig_trans_no)"))
            let settled = try await w.get("/refunds/1", port: port)
            #expect(settled.body.contains("webhook refund.settled to http://127.0.0.1:"))
            let found = try await w.get("/search?q=MISMATCH-1", port: port)
            #expect(found.status == 303)
            for body in [page.body, refund.body, settled.body] {
                #expect(!body.contains("secret") && !body.contains("<script"))
            }
            for (host, status) in [
                ("evil.example", "421"), ("refunds.internal", "200"), ("Refunds.Internal:8080", "200"),
            ] {
                let options = ["-sS", "-H", "Host: \(host)", "-o", "/dev/null", "-w", "%{http_code}"]
                #expect(
                    try await w.run("curl", options + ["http://127.0.0.1:\(port)/"]).output == status,
                    "\(host)"
                )
            }

            // Names are replaced by a reload, which keeps the address.
            try w.configure("admin", ["hosts": "[]"])
            let daemon = try #require(w.daemon)
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "configuration reloaded changed=admin.hosts")
            let options = [
                "-sS", "-H", "Host: refunds.internal", "-o", "/dev/null", "-w", "%{http_code}",
            ]
            #expect(try await w.run("curl", options + ["http://127.0.0.1:\(port)/"]).output == "421")
        }
    }

    @Test(.endToEnd) func pageIsServedOnAUnixSocketForOwnerAndGroup() async throws {
        try await withWorkspace { w in
            let socket = "/tmp/refundd-\(UUID().uuidString.prefix(8)).sock"
            try w.configure("admin", ["listen": "\"unix:\(socket)\""])
            try await w.startSimulator()
            let daemon = try await w.startDaemon()
            let page = try await w.run("curl", ["-sS", "--unix-socket", socket, "http://localhost/"])
            #expect(page.output.contains("Healthy: "), "\(page.errors)")
            let attributes = try FileManager.default.attributesOfItem(atPath: socket)
            #expect(attributes[.posixPermissions] as? Int == 0o660)
            daemon.signal(SIGKILL)
            _ = try await daemon.exitCode()
            let next = try await w.startDaemon()
            #expect(
                try await w.run("curl", ["-sS", "--unix-socket", socket, "http://localhost/healthz"]).output
                    == "ok\n"
            )
            next.signal(SIGTERM)
            #expect(try await next.exitCode() == 0)
            #expect(!FileManager.default.fileExists(atPath: socket))
        }
    }

    @Test(.endToEnd) func searchForAnythingFindsNothingHarmful() async throws {
        try await withWorkspace { w in
            let port = try await w.freePort()
            try w.configure("admin", ["listen": "\"127.0.0.1:\(port)\""])
            try await w.startEverything()
            #expect(try await w.get("/refunds/999", port: port).status == 404)
            #expect(
                try await w.get("/search?q=%3Cscript%3E", port: port).body.contains(
                    "value=\"&lt;script&gt;\""
                )
            )
        }
    }
}
