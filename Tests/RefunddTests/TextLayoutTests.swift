import Testing

@testable import refundd

/// Text for terminals of any width.
struct TextLayoutTests {
    private static let table = TextTable(
        head: ["ID", "REFUND", "EMPTY", "STATE"],
        rows: [
            TextTable.Row(cells: ["#1", "R-1", "", "pending"]),
            TextTable.Row(
                cells: ["#1000", "R-1000-000-000", "", "processing"],
                details: [Line("a reason in several words"), .command("refundd show R-1000-000-000")]
            ),
        ]
    )

    private func texts(_ lines: [Line]) -> [String] { lines.map(\.text) }

    @Test func columnsLineUpAndEmptyOnesAreLeftOut() {
        #expect(
            texts(Self.table.lines(width: 80)) == [
                "ID     REFUND          STATE",
                "#1     R-1             pending",
                "#1000  R-1000-000-000  processing",
                "    a reason in several words",
                "    run: refundd show R-1000-000-000",
            ]
        )
    }

    @Test func rowsBecomeBlocksWhereColumnsDoNotFit() {
        #expect(
            texts(Self.table.lines(width: 24)) == [
                "#1  R-1", "    state pending", "#1000  R-1000-000-000", "    state processing",
                "    a reason in several",
                "    words", "    run: refundd show R-1000-000-000",
            ]
        )
    }

    @Test(arguments: [20, 40, 80, 200]) func onlyCommandsAndSingleWordsAreLongerThanTheTerminal(width: Int) {
        for line in Self.table.lines(width: width) where !line.isCommand && !line.text.hasPrefix("    run: ") {
            #expect(line.text.columns <= width, "\(line.text)")
        }
    }

    @Test func longFactsContinueBelowTheirBeginning() {
        var facts = FactTable()
        facts.add("gateway", "default")
        facts.add("nothing", nil)
        facts.add("last query", "the gateway answered HTTP 503 instead of 200")
        #expect(
            texts(facts.lines(width: 44)) == [
                "  gateway     default", "  last query  the gateway answered HTTP 503", "              instead of 200",
            ]
        )
        #expect(facts.lines(width: 20).allSatisfy { $0.text.columns <= 20 })
    }

    @Test(arguments: [
        ("", 10, [""]), ("a b c", 3, ["a b", "c"]), ("averylongword b", 5, ["averylongword", "b"]),
        ("one two", 80, ["one two"]), ("返金 の 失敗", 4, ["返金", "の", "失敗"]),
    ])
    func textIsBrokenAtBlanks(text: String, width: Int, lines: [String]) {
        #expect(text.wrapped(to: width) == lines)
    }

    @Test func wideCharactersTakeTwoColumns() {
        #expect("返金".columns == 4)
        #expect("é".columns == 1 && "e\u{301}".columns == 1)
    }
}

/// What a terminal is taken for.
struct TerminalTests {
    @Test(
        arguments: [
            (nil, [:], 80), (120, [:], 120), (nil, ["COLUMNS": "40"], 40), (120, ["COLUMNS": "40"], 120),
            (nil, ["COLUMNS": "0"], 80), (nil, ["COLUMNS": "wide"], 80), (3, [:], 20),
        ] as [(Int?, [String: String], Int)]
    )
    func widthIsTheTerminalsOrEighty(columns: Int?, environment: [String: String], width: Int) {
        #expect(Terminal(columns: columns, isTerminal: columns != nil, environment: environment).width == width)
    }

    @Test(
        arguments: [
            (true, ["TERM": "xterm"], true), (false, ["TERM": "xterm"], false), (true, ["TERM": "dumb"], false),
            (true, [:], false), (true, ["TERM": "xterm", "NO_COLOR": "1"], false),
            (true, ["TERM": "xterm", "NO_COLOR": ""], true),
        ] as [(Bool, [String: String], Bool)]
    )
    func coloursAreOnlyForTerminalsThatWantThem(isTerminal: Bool, environment: [String: String], hasColours: Bool) {
        let terminal = Terminal(columns: nil, isTerminal: isTerminal, environment: environment)
        #expect(terminal.hasColours == hasColours)
    }
}

/// Commands that do not exist.
struct UnknownCommandTests {
    @Test(arguments: [("stauts", "status"), ("lst", "list"), ("abondon", "abandon"), ("shwo", "show")])
    func misspeltCommandGetsASuggestion(name: String, meant: String) {
        #expect(Refundd.unknownCommand(in: [name])?.contains("did you mean `refundd \(meant)`?") == true)
    }

    @Test func misspeltCommandOfHelpGetsASuggestion() {
        #expect(Refundd.unknownCommand(in: ["help", "stauts"])?.contains("did you mean `refundd status`?") == true)
        #expect(Refundd.unknownCommand(in: ["help", "webhooks", "sned"])?.contains("`refundd webhooks send`?") == true)
        for rest in [[], ["help"], ["status"], ["webhooks", "send"], ["--version"]] {
            #expect(Refundd.unknownCommand(in: ["help"] + rest) == nil, "\(rest)")
        }
    }

    @Test(arguments: [["--config", "f", "list"], ["--config=f", "list"], ["--config"]])
    func optionBeforeTheCommandGetsAHint(arguments: [String]) {
        #expect(Refundd.unknownCommand(in: arguments)?.contains("comes after the command") == true)
    }

    @Test func strangeCommandGetsAHint() {
        #expect(Refundd.unknownCommand(in: ["frobnicate"])?.contains("lists all commands") == true)
    }

    @Test(arguments: ["status", "list", "help", "--version", "-h"]) func knownCommandIsNoProblem(name: String) {
        #expect(Refundd.unknownCommand(in: [name]) == nil)
    }

    @Test func subcommandIsKnownByItsCommand() {
        #expect(Refundd.unknownCommand(in: ["webhooks", "sned"])?.contains("`refundd webhooks send`?") == true)
        #expect(Refundd.unknownCommand(in: ["webhooks", "frobnicate"])?.contains("`refundd webhooks --help`") == true)
        for rest in [[], ["list"], ["--state", "dead"], ["send", "anything"]] {
            #expect(Refundd.unknownCommand(in: ["webhooks"] + rest) == nil, "\(rest)")
        }
        #expect(Refundd.unknownCommand(in: ["show", "R-1"]) == nil)
    }
}
