import Foundation
import RefundCore
import RefundPostgres
import RefundPostgresSupport
import RefundStore
import RefundStoreSQL
import RefundTestSupport
import Testing

@testable import RefundStorePostgres

/// How a URL becomes a connection, and what a message says when it does not.
struct ConnectionOptionTests {
    private static func parameters(_ text: String) throws -> [String: String] {
        let settings = PostgresSettings(try PostgresURL(text), schema: "refundd")
        let all = settings.connection(to: settings.servers[0], nil)
        return Dictionary(all.map { ($0.name, $0.value) }) { _, last in last }
    }

    @Test func filesOfAConnectionAreFoundByTheirNames() throws {
        let names = "sslrootcert=ca.pem&sslkey=keys/key.pem&sslcert=system&application_name=a.b"
        var server = QueueServer(url: "postgresql://db/shop?\(names)", schema: "refundd")
        server.file = { "/found/\($0)" }
        let found = try PostgresServers.settings(of: server).servers[0].filter { $0.value.contains(".") }
        #expect(
            found.map { "\($0.name)=\($0.value)" } == [
                "application_name=a.b", "sslkey=/found/keys/key.pem", "sslrootcert=/found/ca.pem",
            ]
        )
    }

    // MARK: - Options

    @Test func remoteServerIsVerifiedByTheSystemsAuthorities() throws {
        let parameters = try Self.parameters("postgresql://refundd@db.example/shop")
        #expect(parameters["sslmode"] == "verify-full")
        #expect(parameters["sslrootcert"] == "/etc/ssl/certs/ca-certificates.crt")
        #expect(parameters["target_session_attrs"] == "read-write")
        #expect(parameters["user"] == "refundd" && parameters["dbname"] == "shop")
    }

    @Test(arguments: [
        ("postgresql://db.example/d?sslrootcert=/ca.pem", "verify-full", "/ca.pem"),
        ("postgresql://db.example/d?sslrootcert=system", "verify-full", "/etc/ssl/certs/ca-certificates.crt"),
        ("postgresql://db.example/d?sslmode=require", "require", nil),
        ("postgresql://localhost/d", "prefer", nil), ("postgresql:///d?host=/run/postgresql", "prefer", nil),
        ("postgresql://localhost/d?sslmode=verify-full&sslrootcert=/ca.pem", "verify-full", "/ca.pem"),
        ("postgresql://localhost,db.example/d", "verify-full", "/etc/ssl/certs/ca-certificates.crt"),
    ])
    func verificationFollowsTheURLAndThePlace(url: String, mode: String, authorities: String?) throws {
        let parameters = try Self.parameters(url)
        #expect(parameters["sslmode"] == mode)
        #expect(parameters["sslrootcert"] == authorities)
    }

    @Test(arguments: [
        ("postgresql://localhost:1/d?sslmode=disable", 0), ("postgresql://192.0.2.1:1/d?sslmode=verify-ca", 0),
        ("postgresql://192.0.2.1:1/d", 0), ("postgresql://192.0.2.1:1/d?sslmode=require", 1),
    ])
    func serverThatIsNotVerifiedIsWarnedOf(url: String, warnings: Int) throws {
        var settings = PostgresSettings(try PostgresURL(url), schema: "refundd")
        // Without a look at any server.
        settings.servers = []
        let findings = PostgresProvider(settings).findings(for: .current)
        #expect(findings.count { $0.gravity == .warning } == warnings)
        #expect(findings.filter { $0.gravity == .warning }.allSatisfy { $0.text.contains("sslmode=require") })
    }

    @Test func defaultsNoticeADeadPeerAndGiveWayToTheURL() throws {
        let parameters = try Self.parameters("postgresql://db/d?keepalives_idle=60&application_name=shop")
        #expect(parameters["keepalives_idle"] == "60" && parameters["application_name"] == "shop")
        #expect(parameters["keepalives_interval"] == "5" && parameters["tcp_user_timeout"] == "15000")
    }

    @Test func everyHostIsAServerOfItsOwn() throws {
        let url = try PostgresURL("postgresql://a,b:6000/d?connect_timeout=2")
        let settings = PostgresSettings(url, schema: "refunds")
        #expect(settings.servers.map { server in server.first { $0.name == "host" }?.value } == ["a", "b"])
        #expect(settings.servers.map { server in server.first { $0.name == "port" }?.value } == [nil, "6000"])
        #expect(settings.connectTimeout == .seconds(2))
        #expect(settings.location == "postgresql://a,b:6000/d, schema refunds")
    }

    // MARK: - Connections

    @Test func verifiedConnectionIsEncrypted() throws {
        let server = try TLSPostgres.shared()
        let store = try server.store()
        let isEncrypted = try store.transaction(.read) { tx in
            try tx.number("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        }
        #expect(isEncrypted == 1)
    }

    /// What goes wrong, and the words that a message must have.
    @Test(
        arguments: [
            (.authority(nil), ["certificate verify failed", "?sslrootcert=FILE"]),
            (.authority("other"), ["certificate verify failed", "?sslrootcert=FILE"]),
            (.authority("missing"), ["does not exist", "?sslrootcert=FILE"]),
            (.host("127.0.0.1"), ["does not match host name", "host name of the server's certificate"]),
            (.password(nil), ["no password supplied", "[database] password_file"]),
            (.password("wrong"), ["password authentication failed", "file of [database] password_file"]),
            (.role("nobody"), ["password authentication failed", "password_file"]),
            (.role("outsider"), ["pg_hba.conf", "server's pg_hba.conf"]),
            (.database("nothing"), ["database \"nothing\" does not exist", "create the database"]),
            (.port, ["Connection refused", "start the server"]),
        ] as [(TLSPostgres.Mistake, [String])]
    )
    func messageSaysWhatToChange(mistake: TLSPostgres.Mistake, words: [String]) throws {
        let server = try TLSPostgres.shared()
        let error = #expect(throws: StoreError.self) { try server.store(mistake) }
        #expect(error?.kind == .cannotOpen)
        let message = error?.description ?? ""
        for word in words + ["postgresql://"] { #expect(message.contains(word), "\(message)") }
        #expect(!message.contains(TLSPostgres.password) && !message.contains("\n"))
    }

    @Test func readOnlyStandbyIsPassedOver() throws {
        let server = try TLSPostgres.shared()
        let standby = try PostgresServer(
            network: PostgresServer.Network(rules: ["host all all 127.0.0.1/32 trust"]),
            isStandby: true
        )
        let ports = [standby.port ?? 0, server.port]
        let url =
            "postgresql://postgres@localhost:\(ports[0]),localhost:\(ports[1])/postgres?sslrootcert=\(server.authority)"
        let both = try PostgresURL(url + "&sslmode=prefer")
        let store = try PostgresStore(PostgresSettings(both, schema: "refundd") { .success(TLSPostgres.password) })
        #expect(try store.transaction(.read) { tx in try tx.number("SELECT inet_server_port()") } == Int64(ports[1]))
        let alone = try PostgresURL("postgresql://postgres@localhost:\(ports[0])/postgres")
        let error = #expect(throws: StoreError.self) {
            try PostgresStore(PostgresSettings(alone, schema: "refundd"))
        }
        #expect(
            error?.description.contains("name the primary in [database] url") == true,
            "\(error.map { "\($0)" } ?? "")"
        )
    }

    @Test func serverThatDoesNotAnswerIsPassedOver() throws {
        let server = try TLSPostgres.shared()
        let silent = try SilentServer()
        let url =
            "postgresql://refundd@localhost:\(silent.port),localhost:\(server.port)/postgres?connect_timeout=1"
        let both = try PostgresURL(url)
        let store = try PostgresStore(PostgresSettings(both, schema: "refundd") { .success(TLSPostgres.password) })
        store.close()
        let alone = try PostgresURL("postgresql://localhost:\(silent.port)/postgres?connect_timeout=1")
        let error = #expect(throws: StoreError.self) {
            try PostgresStore(PostgresSettings(alone, schema: "refundd"))
        }
        #expect(error?.description.contains("port \(silent.port) failed: timeout expired") == true)
    }

    @Test func passwordThatCannotBeReadIsTheWholeMessage() throws {
        let url = try PostgresURL("postgresql://localhost/postgres")
        let settings = PostgresSettings(url, schema: "refundd") {
            let problem = "database.password_file: /p: the file does not exist"
            return .failure(StoreError(.cannotOpen, location: "/p", reason: problem, description: problem))
        }
        let error = #expect(throws: StoreError.self) { try PostgresStore(settings) }
        #expect(error?.description == "database.password_file: /p: the file does not exist")
    }
}
