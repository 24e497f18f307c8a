import ArgumentParser
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
}
