import RefundConfiguration
import RefundStore
import RefundStoreSQLite
import RefundTestSupport
import Testing

@testable import RefundDaemon

/// The URL of a server in `[database]`, which only the server's store understands.
struct DatabaseURLTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// The messages about a configuration, with `FILE` for its path.
    private func messages(_ text: String, _ environment: [String: String] = [:]) throws -> [String] {
        let file = try folder.write(Self.gateway + text + "\n", to: "refundd.conf")
        let failure = try #require(throws: CommandFailure.self) {
            try ConfigurationLoader.configuration(file: file, environment: environment)
        }
        #expect(failure.status == .configuration)
        return failure.messages.map { $0.replacing(file, with: "FILE") }
    }

    private static let gateway = """
        [gateway]
        url = "https://open.n-age.co.jp"
        app_id = "wz715fc0d10ee9d156"
        private_key_file = "app_private_key"
        public_key_files = ["gateway_public_key"]

        """

    @Test(arguments: [
        ("mysql://db.example/shop", "the URL does not start with postgresql://"),
        ("host=db.example", "the URL does not start with postgresql://"),
        (
            "postgresql://refundd:secret@db.example/shop",
            "the URL contains a password; remove it, and name a file with it in password_file"
        ),
        (
            "postgresql://db.example/shop?target_session_attrs=any",
            "the URL's parameter target_session_attrs is not supported; refundd always looks for the primary"
        ),
    ])
    func unusableURLIsAProblemOfItsKey(url: String, problem: String) throws {
        #expect(try messages("[database]\nurl = \"\(url)\"") == ["FILE: database.url: \(problem)"])
        let variable = "environment variable REFUNDD_DATABASE_URL: database.url: \(problem)"
        #expect(try messages("", ["REFUNDD_DATABASE_URL": url]) == [variable])
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationLoader.database(
                file: folder.path("refundd.conf"),
                environment: ["REFUNDD_DATABASE_URL": url]
            )
        }
        #expect(error?.problems.map(\.description) == [variable])
    }

    @Test func unusableURLIsReportedTogetherWithOtherProblems() throws {
        #expect(
            try messages("[database]\nurl = \"postgresql://db/?ssl=1\"\n[polling]\njitter = 1") == [
                "FILE: database.url: the URL's parameter ssl is not supported; use sslmode",
                "FILE: polling.jitter = 1: expected a number from 0 to below 1, such as 0.1",
            ]
        )
    }

    // A webhook secret has at least 24 bytes.
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    @Test(arguments: [
        "postgresql://user:\(secret)@host/", "postgresql://host/?password=\(secret)", "postgresql://host/ \(secret)",
        "postgres:\(secret)", "postgresql://host/?\(secret)", "postgresql://host:\(secret)/",
    ])
    func secretInAURLIsNeverShown(url: String) throws {
        let messages = try messages("[database]\nurl = \"\(url)\"")
        #expect(messages.count == 1)
        #expect(messages.allSatisfy { $0.hasPrefix("FILE: database.url") && !$0.contains(Self.secret.dropFirst(6)) })
    }

    @Test func eachURLBelongsToTheStoreOfItsScheme() throws {
        let servers: [any ServerStore] = StoreProviders.servers + [ToyServer()]
        func location(_ url: String) throws -> String {
            var database = Configuration(file: "/refundd.conf", gateways: [:]).database
            database.url = url
            return try StoreProviders.provider(for: database, among: servers).location
        }
        #expect(try location("toy://db") == "toy://db, schema refundd")
        #expect(try location("postgresql://refundd@db/shop") == "postgresql://db/shop")
        let error = #expect(throws: StoreError.self) { try location("mysql://db") }
        #expect(error?.reason == "the URL does not start with postgresql:// or toy://")
    }
}

/// A store on servers that holds its queue in a file.
private struct ToyServer: ServerStore {
    let schemes = ["toy://"]

    func provider(of server: QueueServer) throws(StoreError) -> any StoreProvider {
        SQLiteProvider(path: "\(server.url), schema \(server.schema)")
    }
}
