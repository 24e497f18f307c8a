import Foundation
import RefundConfiguration
import Testing

/// The wording of messages, pinned by `messages.txt`.
struct MessageTests {
    /// A configuration and its messages.
    struct Case: Sendable, CustomTestStringConvertible {
        var text = ""
        var environment: [String: String] = [:]
        var messages: [String] = []

        var testDescription: String { messages.joined(separator: " ") }
    }

    /// The blocks of the file, which empty lines separate.
    ///
    /// `> ` starts an expected message and `$ ` sets a variable; other lines are added to a configuration that has only
    /// the required keys.
    private static let cases: [Case] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "messages.txt")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n\n").map { block in
            var example = Case()
            for line in block.split(separator: "\n") {
                if line.hasPrefix("> ") {
                    example.messages.append(String(line.dropFirst(2)))
                } else if line.hasPrefix("$ ") {
                    let pair = line.dropFirst(2).split(separator: "=", maxSplits: 1)
                    example.environment[String(pair[0])] = String(pair[1])
                } else {
                    example.text += line + "\n"
                }
            }
            return example
        }
    }()

    @Test(arguments: cases)
    func messageIsWordedAsPinned(example: Case) throws {
        let text = Sample.text(adding: example.text)
        #expect(try Sample.messages(text, environment: example.environment) == example.messages)
    }

    @Test func pinnedMessagesAreFound() {
        #expect(Self.cases.count > 40)
    }
}
