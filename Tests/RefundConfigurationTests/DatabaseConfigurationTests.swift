import RefundConfiguration
import RefundCore
import RefundTestSupport
import Testing

/// What commands that only read need of a configuration.
struct DatabaseConfigurationTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func read(_ text: String, _ environment: [String: String] = [:]) throws -> DatabaseConfiguration {
        try DatabaseConfiguration(file: folder.write(text, to: "refundd.conf"), environment: environment)
    }

    @Test(arguments: [
        "[gateway]\napp_id = 7", "[polling]\njitterr = 0.5", "[nonsense]\nkey = 1",
        "[webhook]\nurl = \"https://shop.example/\"",
        "",
    ])
    func problemsOfOtherSectionsAreKept(text: String) throws {
        let configuration = try read("[database]\npath = \"queue.db\"\n\(text)\n")
        #expect(configuration.database.path == folder.path("queue.db"))
        #expect(configuration.whole == nil)
        #expect(!configuration.problems.isEmpty)
    }

    @Test func missingSectionHasItsDefault() throws {
        #expect(try read("[gateway]\n").database.path == "/var/lib/refundd/refundd.db")
    }

    @Test func environmentOverridesThePath() throws {
        let configuration = try read("[gateway]\napp_id = 7\n", ["REFUNDD_DATABASE_PATH": "/other.db"])
        #expect(configuration.database.path == "/other.db")
    }

    @Test func serverIsKnownDespiteOtherProblems() throws {
        let configuration = try read("[gateway]\napp_id = 7\n[database]\nurl = \"postgresql://db/shop\"\n")
        #expect(configuration.whole == nil)
        #expect(configuration.database.url == "postgresql://db/shop")
    }

    @Test func rejectedURLIsAnErrorEvenAmongOtherProblems() throws {
        let file = try folder.write("[gateway]\napp_id = 7\n[database]\nurl = \"toy://db\"\n", to: "refundd.conf")
        let error = #expect(throws: ConfigurationError.self) {
            try DatabaseConfiguration(file: file, environment: [:]) { $0.url == "toy://db" ? "no such toy" : nil }
        }
        #expect(error?.problems.map(\.description) == ["\(file): database.url: no such toy"])
    }

    @Test(arguments: [
        "[database]\nurl = \"postgresql://db/\"\npath = \"q.db\"", "[database]\npassword_file = \"p\"",
        "[database]\npath = 7", "[database]\npaht = \"queue.db\"", "database = 1", "not TOML [",
    ])
    func invalidDatabaseSectionIsAnError(text: String) {
        #expect(throws: ConfigurationError.self) { try read(text + "\n") }
    }
}
