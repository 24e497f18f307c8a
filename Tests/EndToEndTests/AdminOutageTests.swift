import Foundation
import Testing

/// An admin address that cannot be listened on: the refunds go on, and it is tried again.
struct AdminOutageTests {
    @Test(.endToEnd) func portThatIsTakenAtTheStartIsListenedOnOnceItIsFree() async throws {
        try await withWorkspace { w in
            let program = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); "
            let end = "print('port', s.getsockname()[1], flush=True); time.sleep(600)"
            let other = try w.start(Workspace.python, ["-c", program + end], name: "other")
            let port = try #require(Int(try await other.outputLine(beginning: "port ")))
            let address = "127.0.0.1:\(port)"
            try w.configure("admin", ["listen": "\"\(address)\""])
            try await w.startSimulator()
            let manager = try w.startPython("notified.py", [w.path("notify")])
            _ = try await manager.outputLine(beginning: "listening")
            let daemon = try await w.startDaemon(environment: ["NOTIFY_SOCKET": w.path("notify")])
            #expect(daemon.errors.contains("cannot listen on \(address): another program listens there"))
            _ = try await manager.outputLine(beginning: "READY=1")
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")

            // A reload that keeps the address does not mind that it is still tried.
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "configuration reloaded")
            other.kill()
            try await daemon.waitForErrors(containing: "admin address is served")
            #expect(try await w.get("/readyz", port: port).status == 200)
        }
    }

    @Test(.endToEnd) func addressThatThisMachineLacksKeepsNoRefundWaiting() async throws {
        try await withWorkspace { w in
            // Of TEST-NET-1, which nobody has.
            try w.configure("admin", ["listen": "\"192.0.2.1:9464\""])
            try await w.startEverything()
            let daemon = try #require(w.daemon)
            try await daemon.waitForErrors(containing: "this machine has no such address")
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
            daemon.signal(SIGTERM)
            #expect(try await daemon.exitCode() == 0)
        }
    }
}
