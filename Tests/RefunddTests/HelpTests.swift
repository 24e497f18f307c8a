import ArgumentParser
import Foundation
import Testing

@testable import refundd

/// The help pages.
struct HelpTests {
    private static func all(_ command: any ParsableCommand.Type = Refundd.self) -> [any ParsableCommand.Type] {
        command.configuration.subcommands.flatMap { [$0] + all($0) }
    }

    @Test func everyCommandHasExamplesThatFitATerminal() {
        for command in Self.all() {
            let name = command.configuration.commandName ?? ""
            let text = command.configuration.discussion
            #expect(text.contains("Example"), "\(name)")
            let examples = text.split(separator: "\n").filter { $0.hasPrefix("  ") }
            #expect(!examples.isEmpty, "\(name)")
            for example in examples { #expect(example.count <= 80, "\(name): \(example)") }
        }
    }

    @Test(arguments: [20, 40, 79]) func pageForANarrowTerminalKeepsEveryWordAndBreaksNoExample(width: Int) throws {
        for command in [Refundd.self] + Self.all() {
            let text = Refundd.helpMessage(for: command, columns: .max)
            let page = try #require(HelpPage(text)).lines(width: width)
            let examples = command.configuration.discussion.split(separator: "\n").filter { $0.hasPrefix("  ") }
            for example in examples { #expect(page.contains(String(example)), "\(example)") }
            let words = page.joined(separator: " ").split(separator: " ")
            #expect(words == text.split { $0 == " " || $0 == "\n" }, "\(command)")
            for line in page where line.count > width && !examples.contains(line[...]) {
                #expect(!line.trimmingCharacters(in: .whitespaces).contains(" "), "\(line)")
            }
        }
    }

    @Test func narrowPagePutsEachDescriptionBelowItsName() throws {
        let page = try #require(HelpPage(Refundd.helpMessage(for: ListCommand.self, columns: .max))).lines(width: 40)
        let begin = try #require(page.firstIndex(of: "  --gateway <gateway>"))
        #expect(page[begin + 1] == "      Only refunds of this gateway.")
        let usage = try #require(page.firstIndex(of: "USAGE: refundd list [--config"))
        #expect(page[usage + 1] == "  <config>] [--state <state>]")
    }

    @Test func otherMessagesAreNoPages() {
        #expect(HelpPage("Error: Unknown option") == nil)
    }
}
