import Logging
import RefundCore
import Testing

@testable import RefundAdmin

struct LogLineTests {
    private static let attack = "R-1\n<0>forged\u{1b}[2J\u{9b}31m\u{202e}\r\u{2028}"

    private func line(
        _ message: String,
        _ metadata: Logger.Metadata = [:],
        level: Logger.Level = .info
    ) -> LogLine {
        let time = Timestamp(milliseconds: 1_795_316_646_123)
        return LogLine(time: time, level: level, label: "refundd.poll", message: message, metadata: metadata)
    }

    @Test(
        arguments: [
            (.journald, "<6>query answered attempt=3 order=R-1001 took=\"12 ms\"\n"),
            (.text, "2026-11-22T03:04:06.123Z info query answered attempt=3 order=R-1001 took=\"12 ms\"\n"),
            (
                .json,
                #"{"time":"2026-11-22T03:04:06.123Z","level":"info","logger":"refundd.poll","message":"query answered","#
                    + #""metadata":{"attempt":"3","order":"R-1001","took":"12 ms"}}"# + "\n"
            ),
        ] as [(LogFormat, String)]
    )
    func eachFormatWritesOneLine(format: LogFormat, expected: String) {
        let metadata: Logger.Metadata = ["order": "R-1001", "took": "12 ms", "attempt": .stringConvertible(3)]
        #expect(line("query answered", metadata).written(as: format) == expected)
    }

    @Test(
        arguments: [
            (.trace, 7), (.debug, 7), (.info, 6), (.notice, 5), (.warning, 4), (.error, 3), (.critical, 2),
        ] as [(Logger.Level, Int)]
    )
    func journalLineStartsWithTheSyslogPriority(level: Logger.Level, priority: Int) {
        #expect(line("m", level: level).written(as: .journald) == "<\(priority)>m\n")
    }

    @Test(arguments: [
        ("word", "word"),
        ("返金", "返金"),
        ("", #""""#),
        ("two words", #""two words""#),
        ("a=b", #""a=b""#),
        (#"say "hi""#, #""say \"hi\"""#),
        (#"back\slash"#, #""back\\slash""#),
        ("x\ny", #""x\ny""#),
        ("\" level=critical forged=\"", #""\" level=critical forged=\"""#),
    ])
    func valuesOfSeveralWordsAreQuotedInText(value: String, shown: String) {
        #expect(line("m", ["k": "\(value)"]).written(as: .journald) == "<6>m k=\(shown)\n")
        #expect(line("m", [value: "v"]).written(as: .journald) == "<6>m \(shown)=v\n")
    }

    @Test(arguments: LogFormat.allCases)
    func textFromOutsideCannotBreakOutOfALine(format: LogFormat) {
        let written = line(Self.attack, [Self.attack: "\(Self.attack)", "list": ["\(Self.attack)"]]).written(as: format)
        #expect(written.hasSuffix("\n"))
        #expect(written.dropLast().unicodeScalars.allSatisfy { !$0.misleadsTerminal })
    }

    @Test func attackStaysReadable() {
        let shown = #"R-1\n<0>forged\u{1b}[2J\u{9b}31m\u{202e}\r\u{2028}"#
        #expect(line("m", ["order": "\(Self.attack)"]).written(as: .journald) == "<6>m order=\"\(shown)\"\n")
        #expect(line(Self.attack).written(as: .journald) == "<6>\(shown)\n")
    }

    @Test func jsonLineParsesBackToTheEvent() throws {
        let written = line(Self.attack, ["order": "\(Self.attack)"]).written(as: .json)
        let object = try JSONObject(parsing: written)
        #expect(object["message"] == .string(Self.attack))
        guard case .object(let metadata) = object["metadata"] else {
            Issue.record("no metadata in \(written)")
            return
        }
        #expect(try JSONObject(parsing: metadata)["order"] == .string(Self.attack))
    }

    @Test func nestedMetadataIsJSON() {
        let metadata: Logger.Metadata = ["m": ["b": "x y", "a": ["1", "2"]]]
        #expect(line("t", metadata).written(as: .journald) == #"<6>t m="{\"a\":[\"1\",\"2\"],\"b\":\"x y\"}""# + "\n")
        #expect(line("t", metadata).json.hasSuffix(#""message":"t","metadata":{"m":{"a":["1","2"],"b":"x y"}}}"#))
    }

    @Test(arguments: LogFormat.allCases, [("é", 5_000), ("\u{0}", 100_000), ("short", 1)])
    func linesAreBounded(format: LogFormat, repeated: (text: String, count: Int)) throws {
        let text = String(repeating: repeated.text, count: repeated.count)
        for metadata: Logger.Metadata in [[:], ["k": "\(text)"], [text: "v"], ["k": ["\(text)", ["\(text)": "v"]]]] {
            let written = line(text, metadata).written(as: format)
            #expect(written.utf8.count <= LogLine.limit)
            #expect(written.utf8.count(where: { $0 == 0x0A }) == 1)
            #expect(written.contains("…") == (repeated.count > 1))
            if format == .json { _ = try JSONObject(parsing: written) }
        }
    }

    @Test func objectWithTooMuchMetadataSaysThatItWasCut() throws {
        let metadata = Dictionary(
            uniqueKeysWithValues: (0..<1_000).map { ("key\($0)", "value" as Logger.MetadataValue) }
        )
        let object = try JSONObject(parsing: line("m", metadata).json)
        #expect(object["cut"] == .bool(true))
        #expect(object["metadata"] == nil)
        #expect(object["message"] == .string("m"))
    }

    @Test(arguments: [
        ("abcdef", 6, "abcdef"), ("abcdefg", 6, "abc…"), ("aéééé", 7, "aé…"), ("éééé", 6, "é…"), ("aaaa", 2, "…"),
    ])
    func cutKeepsCharactersWhole(text: String, limit: Int, expected: String) {
        #expect(text.cut(to: limit) == expected)
    }
}
