import Foundation
import RefundCore
import RefundPayCloud
import RefundTestSupport
import TOML
import Testing

/// Python's readers accept and reject the same texts, and read the same values.
struct SecondOpinionTests {
    @Test func pythonReadsTheSameJSON() throws {
        try compare("json") { input in
            (try? JSONObject(parsing: input)).map(SigningString.bytes(of:))
        }
    }

    @Test func pythonReadsTheSameTOML() throws {
        try compare("toml") { input in
            guard let text = String(validating: input, as: UTF8.self),
                let entries = try? TOMLReader.read(text)
            else { return nil }
            return Array(TOMLValue.table(entries).canonical.utf8)
        }
    }

    private func compare(_ name: String, _ read: ([UInt8]) -> [UInt8]?) throws {
        var mutator = Mutator(Corpus.handMade(name), seed: 3)
        let inputs = Corpus.inputs(name) + (0..<5_000).map { _ in mutator.next() }
        let opinions = try opinions(of: inputs, on: name)
        #expect(opinions.count == inputs.count)
        #expect(opinions.count { $0 != "refused" } > 50, "nearly all inputs are refused by both")
        for (input, opinion) in zip(inputs, opinions) where opinion != "unsure" {
            // A date is told apart from a number but not read, so Python may refuse what has the form of one.
            let own = read(input)
            if opinion == "refused", let own, own.contains(UInt8(ascii: "t")), name == "toml" { continue }
            #expect(
                own.map(hexadecimal) ?? "refused" == opinion,
                "\(String(decoding: input, as: UTF8.self).debugDescription)"
            )
        }
    }

    private func opinions(of inputs: [[UInt8]], on name: String) throws -> [String] {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let questions = try folder.write(inputs.map { hexadecimal($0) + "\n" }.joined(), to: "questions")
        let answers = try folder.write("", to: "answers")
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "python3", Bundle.module.bundleURL.appendingPathComponent("Fixtures/second_opinion.py").path, name,
        ]
        process.standardInput = FileHandle(forReadingAtPath: questions)
        process.standardOutput = FileHandle(forWritingAtPath: answers)
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return try String(contentsOfFile: answers, encoding: .utf8).split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        .dropLast().map(String.init)
    }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

extension TOMLValue {
    /// The value as `second_opinion.py` prints it.
    fileprivate var canonical: String {
        switch self {
        case .string(let text): return "s" + hexadecimal(Array(text.utf8))
        case .integer(let value): return "i\(value)"
        case .float(let value):
            let bits = String(value.bitPattern, radix: 16)
            return value.isNaN ? "fnan" : "f" + String(repeating: "0", count: 16 - bits.count) + bits
        case .boolean(let value): return "b\(value)"
        case .dateTime: return "t"
        case .array(let values): return "[" + values.map(\.canonical).joined(separator: ",") + "]"
        case .table(let entries):
            let pairs = entries.map { (key: hexadecimal(Array($0.key.utf8)), text: $0.value.canonical) }
            let sorted = pairs.sorted { $0.key < $1.key }
            return "{" + sorted.map { "\($0.key):\($0.text)" }.joined(separator: ",") + "}"
        }
    }
}
