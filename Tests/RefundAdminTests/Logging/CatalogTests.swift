import Foundation
import Testing

@testable import RefundAdmin

/// `deploy/refundd.catalog`, which `journalctl -x` shows.
struct CatalogTests {
    private let entries: [String: String]

    init() throws {
        let file = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../deploy/refundd.catalog")
        let text = try String(contentsOf: file.standardizedFileURL, encoding: .utf8)
        let parts = "\n\(text)".components(separatedBy: "\n-- ").dropFirst()
        entries = Dictionary(parts.map { (String($0.prefix(32)), $0) }) { first, _ in first + "twice" }
    }

    @Test func everyKindOfLineHasItsEntryAndNoEntryIsLeftOver() {
        #expect(Set(entries.keys) == Set(LogMessageID.allCases.map(\.rawValue)))
    }

    @Test(arguments: LogMessageID.allCases) func entrySaysWhatToDo(id: LogMessageID) throws {
        let entry = try #require(entries[id.rawValue])
        #expect(id.rawValue.wholeMatch(of: /[0-9a-f]{32}/) != nil)
        #expect(entry.contains("\nSubject: "))
        #expect(entry.contains("\nDefined-By: refundd\n"))
        #expect(entry.contains("\nDocumentation: man:refundd(8)\n"))
        #expect(entry.contains("\nRun: ") || entry.contains("Nothing needs to be done"))
        #expect(!entry.hasSuffix("twice"))
    }
}
