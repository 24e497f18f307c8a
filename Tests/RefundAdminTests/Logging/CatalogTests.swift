import Foundation
import RefundCore
import Testing

@testable import RefundAdmin

/// `deploy/refundd.catalog`, which `journalctl -x` shows.
struct CatalogTests {
    static let ids = LogMessageID.allCases.map(\.rawValue) + Attention.allCases.map(\.messageID)

    private let entries: [String: String]

    init() throws {
        let file = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../deploy/refundd.catalog")
        let text = try String(contentsOf: file.standardizedFileURL, encoding: .utf8)
        let parts = "\n\(text)".components(separatedBy: "\n-- ").dropFirst()
        entries = Dictionary(parts.map { (String($0.prefix(32)), $0) }) { first, _ in first + "twice" }
    }

    @Test func everyKindOfLineHasItsEntryAndNoEntryIsLeftOver() {
        #expect(Set(entries.keys) == Set(Self.ids))
    }

    @Test(arguments: ids) func entrySaysWhatToDo(id: String) throws {
        let entry = try #require(entries[id])
        #expect(id.wholeMatch(of: /[0-9a-f]{32}/) != nil)
        #expect(entry.contains("\nSubject: "))
        #expect(entry.contains("\nDefined-By: refundd\n"))
        #expect(entry.contains("\nDocumentation: man:refundd(8)\n"))
        #expect(entry.contains("\nRun: ") || entry.contains("Nothing needs to be done"))
        #expect(!entry.hasSuffix("twice"))
    }
}
