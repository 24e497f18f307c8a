import Foundation
import Testing

/// The pages of the admin address in a real browser.
@Suite(.enabled(if: Browser.isInstalled, "Chromium or Playwright is not installed"))
struct AdminBrowserTests {
    @Test(.endToEnd) func pagesAreReadableAtEveryWidthAndInBothSchemes() async throws {
        try await withWorkspace { w in
            let port = try await w.freePort()
            try w.configure("admin", ["listen": "\"127.0.0.1:\(port)\""])
            try await w.startEverything()
            try await w.enqueue("MISMATCH-1", ["expected_amount": "12", "expected_currency": "EUR"])
            for order in ["OK-1", "FAIL-1", "HTTP503-1"] { try await w.enqueue(order) }
            try await w.refund("OK-1", is: "settled")
            try await w.refund("MISMATCH-1") { $0["attention"].text == "mismatch" }

            let paths = ["/?refresh=off", "/refunds/1", "/refunds/2", "/search?q=nothing", "/refunds/999"]
            let found = try await w.runPython("browse.py", ["http://127.0.0.1:\(port)"] + paths)
            try #require(found.exitCode == 0, "\(found.errors)")
            let pages = try JSON.lines(of: found.output)
            #expect(pages.count == paths.count * 4)
            for page in pages {
                // Chromium itself reports the status of a page that is not there.
                let isMissing = page["path"].text == "/refunds/999"
                #expect(isMissing || page["messages"].items.isEmpty, "\(page)")
                #expect(page["main"].integer == 1, "\(page)")
                #expect(page["headings"].items.first?.integer == 1, "\(page)")
                #expect(page["headings"].items.filter { $0.integer == 1 }.count == 1, "\(page)")
                #expect(page["unnamed"].integer == 0, "\(page)")
                #expect(page["scripts"].integer == 0, "\(page)")
                #expect(page["overflow"].integer == 0, "\(page)")
                #expect((page["contrast"].integer ?? 0) >= 450, "\(page)")
            }
        }
    }
}

private enum Browser {
    static let isInstalled: Bool = {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/chromium") else { return false }
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = [Workspace.python, "-c", "import playwright"]
        python.standardError = FileHandle.nullDevice
        guard (try? python.run()) != nil else { return false }
        python.waitUntilExit()
        return python.terminationStatus == 0
    }()
}
