import Testing

@testable import RefundAdmin

struct LogFormatTests {
    @Test func configuredNameChoosesTheFormat() {
        #expect(LogFormat(named: "text", environment: [:]) == .text)
        #expect(LogFormat(named: "json", environment: [:]) == .json)
        #expect(LogFormat(named: "auto", environment: [:]) == .text)
        #expect(LogFormat(named: "Text", environment: [:]) == nil)
        #expect(LogFormat(named: "", environment: [:]) == nil)
    }

    @Test func journalIsRecognisedByDeviceAndInode() throws {
        let pipe = Pipe()
        let other = Pipe()
        let stream = try #require(deviceAndInode(of: pipe.writer))
        #expect(stream.split(separator: ":").compactMap { UInt64($0) }.count == 2)
        #expect(LogFormat.isJournal(pipe.writer, ["JOURNAL_STREAM": stream]))
        #expect(!LogFormat.isJournal(other.writer, ["JOURNAL_STREAM": stream]))
        #expect(!LogFormat.isJournal(pipe.writer, ["JOURNAL_STREAM": "junk"]))
        #expect(!LogFormat.isJournal(pipe.writer, [:]))
        #expect(!LogFormat.isJournal(-1, ["JOURNAL_STREAM": stream]))
    }
}
