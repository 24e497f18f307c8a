import Foundation
import Testing

/// The exit codes that scripts rely on.
struct ExitCodeTests {
    private static let commands = [
        ["list"], ["show", "R-1"], ["status"], ["enqueue", "--order", "R-1"], ["query", "R-1"],
        ["abandon", "R-1", "--reason", "x"], ["resolve", "R-1", "--as", "settled", "--reason", "x"], ["webhooks"],
        ["abandon", "--state", "pending", "--reason", "x"], ["redeliver", "--dead"], ["verify"], ["backup", "copy.db"],
        ["events"], ["evidence", "R-1", "--to", "evidence"],
    ]

    private func run(_ arguments: [String], in w: Workspace) async throws -> Finished {
        try await w.run(Programs.refundd, arguments + ["--config", w.configurationFile])
    }

    @Test(.endToEnd) func missingDatabaseIs74AndIsNotCreated() async throws {
        try await withWorkspace { w in
            for command in Self.commands {
                let finished = try await run(command, in: w)
                #expect(finished.exitCode == 74, "\(command)")
                #expect(finished.errors.contains("refundd.db"), "\(command): \(finished.errors)")
                #expect(finished.errors.contains("init"), "what to do: \(finished.errors)")
            }
            #expect(!FileManager.default.fileExists(atPath: w.database))
        }
    }

    @Test(.endToEnd) func fileThatIsNotADatabaseIs74() async throws {
        try await withWorkspace { w in
            try w.write(String(repeating: "this is no database\n", count: 100), to: "refundd.db")
            for command in Self.commands + [["init"], ["run"]] {
                let finished = try await run(command, in: w)
                #expect(finished.exitCode == 74, "\(command)")
                #expect(finished.errors.contains("refundd.db"), "\(command): \(finished.errors)")
            }
        }
    }

    @Test(.endToEnd) func databaseWithoutTheQueueIs74() async throws {
        try await withWorkspace { w in
            #expect(try await w.runPython("application.py", [w.database, "create"]).exitCode == 0)
            for command in Self.commands {
                let finished = try await run(command, in: w)
                #expect(finished.exitCode == 74, "\(command)")
                #expect(finished.errors.contains("init"), "\(command): \(finished.errors)")
            }
        }
    }

    @Test(.endToEnd) func missingConfigurationIs78() async throws {
        try await withWorkspace { w in
            for command in Self.commands + [["init"], ["run"], ["check"]] {
                let finished = try await w.run(Programs.refundd, command + ["--config", w.path("none.conf")])
                #expect(finished.exitCode == 78, "\(command)")
                #expect(finished.errors.contains("none.conf"))
            }
        }
    }

    @Test(.endToEnd) func badConfigurationIs78() async throws {
        try await withWorkspace { w in
            try w.configure("polling", ["initial_interval": "5"])
            for command in Self.commands + [["init"], ["run"], ["check"]] {
                let finished = try await run(command, in: w)
                #expect(finished.exitCode == 78, "\(command)")
                for word in ["refundd.conf", "initial_interval", "5"] { #expect(finished.errors.contains(word)) }
            }
        }
    }

    @Test(
        .endToEnd,
        arguments: [
            ["walk"], ["list", "--unheard-of"], ["show"], ["show", "R-1", "--id", "1"], ["show", "#x"],
            ["show", "--id", "x"], ["list", "extra"], ["enqueue"], ["list", "--limit", "many"],
            ["query"], ["abandon", "R-1"], ["abandon", "R-1", "--reason", " "], ["abandon", "--state", "pending"],
            ["resolve", "R-1", "--reason", "x"],
            ["resolve", "R-1", "--as", "settled"], ["resolve", "R-1", "--as", "abandoned", "--reason", "x"],
            ["webhooks", "list", "--state", "lost"], ["webhooks", "extra"], ["webhooks", "send"],
            ["webhooks", "verify"],
            ["webhooks", "send", "--to", "https://x.example/", "--type", "refund.lost"],
            ["webhooks", "verify", "--body", "x", "--request", "x"],
            ["webhooks", "verify", "--request", "x", "--id", "x"],
            ["webhooks", "listen", "--status", "199"], ["webhooks", "listen", "--count", "0"],
            ["webhooks", "listen", "--once", "--count", "1"], ["webhooks", "listen", "--listen", "nonsense"],
            ["webhooks", "--state", "lost"], ["webhooks", "--limit", "0"], ["redeliver"], ["redeliver", "m", "--dead"],
            ["redeliver", "--dead", "--since", "2h"], ["redeliver", "--since", "yesterday"], [], ["stauts"],
            ["status", "--watch", "--json"], ["events", "--since", "x"], ["evidence", "R-1"],
            ["abandon", "R-1", "--state", "pending", "--reason", "x"], ["abandon", "--dry-run", "--reason", "x"],
            ["abandon", "--state", "settled", "--reason", "x"], ["list", "--since", "yesterday"],
        ]
    )
    func badUsageIs64(arguments: [String]) async throws {
        try await withWorkspace { w in
            try await w.initDatabase()
            let finished = try await w.run(
                Programs.refundd,
                arguments,
                environment: ["REFUNDD_CONFIG": w.configurationFile]
            )
            #expect(finished.exitCode == 64)
            #expect(!finished.errors.isEmpty || arguments.isEmpty)
            #expect(finished.output.isEmpty || arguments.isEmpty)
        }
    }

    @Test(.endToEnd) func configurationIsFoundThroughTheEnvironment() async throws {
        try await withWorkspace { w in
            let environment = ["REFUNDD_CONFIG": w.configurationFile]
            let made = try await w.run(Programs.refundd, ["init"], environment: environment)
            #expect(made.exitCode == 0)
            #expect(FileManager.default.fileExists(atPath: w.database))
        }
    }

    @Test(.endToEnd) func helpExitsWithSuccess() async throws {
        try await withWorkspace { w in
            let help = try await w.run(Programs.refundd, ["--help"])
            #expect(help.exitCode == 0)
            for command in [
                "run", "check", "init", "enqueue", "list", "show", "status", "query", "abandon", "resolve", "webhooks",
                "redeliver", "backup", "verify", "doctor", "events", "evidence", "webhooks list", "webhooks send",
                "webhooks verify", "webhooks listen",
            ] {
                let words = command.split(separator: " ").map(String.init)
                #expect(help.output.contains(words[0]))
                let page = try await w.run(Programs.refundd, words + ["--help"])
                #expect(page.exitCode == 0)
                #expect(page.output.contains("refundd \(command)"), "\(command)")
                #expect(page.output.contains("Example"), "\(command)")
            }
            let bare = try await w.run(Programs.refundd, [])
            #expect(bare.output.contains("status") && bare.output.contains("doctor"))
            for (arguments, meant) in [
                (["stauts"], "did you mean `refundd status`?"), (["halp"], "did you mean `refundd help`?"),
                (["webhooks", "sned"], "did you mean `refundd webhooks send`?"),
                (["status", "--jsno"], "Did you mean '--json'?"), (["list", "--stat", "x"], "Did you mean '--state'?"),
                (["webhooks", "--stat", "x"], "Did you mean '--state'?"),
                (["webhooks", "send", "--tpye", "x", "--to", "x"], "Did you mean '--type'?"),
            ] {
                let misspelt = try await w.run(Programs.refundd, arguments)
                #expect(misspelt.exitCode == 64)
                #expect(misspelt.errors.contains(meant), "\(misspelt.errors)")
            }
        }
    }

    @Test(.endToEnd) func databaseInAFolderThatIsMissingIs74() async throws {
        try await withWorkspace { w in
            try w.configure("database", ["path": "\"missing/refundd.db\""])
            for command in Self.commands + [["init"], ["run"]] {
                let finished = try await run(command, in: w)
                #expect(finished.exitCode == 74, "\(command)")
                #expect(finished.errors.contains("missing/refundd.db"), "\(command): \(finished.errors)")
            }
        }
    }
}
