import Testing

@testable import RefundStorePostgres

struct PostgresURLTests {
    /// The parts of a URL as one line.
    private func parts(_ text: String) throws -> String {
        let url = try PostgresURL(text)
        let servers = url.servers.map { "\($0.host ?? "-")|\($0.address ?? "-")|\($0.port ?? "-")" }
        let parameters = url.parameters.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        return "\(servers.joined(separator: " ")) \(url.user ?? "-") \(url.database ?? "-")\(parameters)"
    }

    @Test(arguments: [
        ("postgresql://", "-|-|- - -"),
        ("postgres://db.example", "db.example|-|- - -"),
        ("postgresql://refundd@db.example:5433/shop", "db.example|-|5433 refundd shop"),
        ("postgresql://a,b:6000,[2001:db8::7]/shop", "a|-|- b|-|6000 2001:db8::7|-|- - shop"),
        ("postgresql:///shop?host=/run/postgresql", "/run/postgresql|-|- - shop"),
        ("postgresql://%2Frun%2Fpostgresql/shop", "/run/postgresql|-|- - shop"),
        ("postgresql:///shop?host=a,b&port=1,2", "a|-|1 b|-|2 - shop"),
        ("postgresql:///shop?host=a,b&port=7", "a|-|7 b|-|7 - shop"),
        ("postgresql://db.example/shop?hostaddr=10.0.0.7&user=r", "db.example|10.0.0.7|- r shop"),
        (
            "postgresql://h/d%C3%A9j%C3%A0?sslmode=require&connect_timeout=3",
            "h|-|- - déjà sslmode=require"
        ),
        ("postgresql://h?options=-c%20a%3Db", "h|-|- - - options=-c a=b"),
        ("postgresql://h/a/b", "h|-|- - a/b"),
    ])
    func everyFormIsRead(text: String, expected: String) throws {
        #expect(try parts(text) == expected)
    }

    @Test(
        arguments: [
            ("", .unsupportedScheme), ("host=db.example dbname=shop", .unsupportedScheme),
            ("https://db.example/", .unsupportedScheme), ("postgresql://db example/", .invalidCharacter),
            ("postgresql://h/a\u{7}b", .invalidCharacter), ("postgresql://h/%0", .invalidEscape),
            ("postgresql://h/%00", .invalidEscape), ("postgresql://h/%FF", .invalidEscape),
            ("postgresql://2001:db8::7/shop", .invalidHost), ("postgresql://[2001:db8::7/shop", .invalidHost),
            ("postgresql://h:0/", .invalidPort), ("postgresql://h:65536/", .invalidPort),
            ("postgresql://h:port/", .invalidPort), ("postgresql://h/d?sslmode=verify", .invalidMode),
            ("postgresql://h/d?connect_timeout=0", .invalidTimeout), ("postgresql://h/d?sslmode", .invalidParameter),
            ("postgresql://h/d?nonsense=1", .unknownParameter),
            ("postgresql://a,b,c/d?port=1,2", .listLengths),
            ("postgresql://a,b/d?hostaddr=10.0.0.7", .listLengths),
            ("postgresql://refundd:secret@h/", .password), ("postgresql://refundd:@h/", .password),
            ("postgresql://h/d?password=secret", .password), ("postgresql://h/d?sslpassword=secret", .password),
        ] as [(String, PostgresURLError)]
    )
    func mistakeIsNamed(text: String, error: PostgresURLError) {
        #expect(throws: error) { try PostgresURL(text) }
    }

    @Test func timeoutIsReadAsSeconds() throws {
        #expect(try PostgresURL("postgresql://h/d?connect_timeout=3").connectTimeout == .seconds(3))
        #expect(try PostgresURL("postgresql://h/d").connectTimeout == nil)
    }

    @Test(arguments: ["passfile=/f", "service=s", "target_session_attrs=any", "ssl=true"])
    func whatRefunddDecidesItselfIsRejectedByName(parameter: String) {
        let error = #expect(throws: PostgresURLError.self) { try PostgresURL("postgresql://h/d?\(parameter)") }
        #expect(error?.description.contains(parameter.prefix { $0 != "=" }) == true)
    }

    @Test(arguments: [
        "postgresql://", "postgresql:///d?host=/run/postgresql", "postgresql://localhost/d", "postgresql://127.0.0.1/d",
        "postgresql://[::1]/d", "postgresql:///d?host=@abstract", "postgresql://db.example/d?hostaddr=127.0.0.9",
    ])
    func socketsAndLoopbackAreLocal(text: String) throws {
        #expect(try PostgresURL(text).servers.allSatisfy(\.isLocal))
    }

    @Test(arguments: [
        "postgresql://db.example/d", "postgresql://10.0.0.7/d", "postgresql://localhost.example/d",
        "postgresql://localhost/d?hostaddr=10.0.0.7", "postgresql://[2001:db8::7]/d", "postgresql://127.1/d",
    ])
    func everythingElseIsRemote(text: String) throws {
        #expect(try !PostgresURL(text).servers.contains(where: \.isLocal))
    }

    @Test func descriptionNamesServersAndDatabaseAlone() throws {
        let url = try PostgresURL("postgresql://refundd@a,[2001:db8::7]:6000/shop?sslkey=/key&application_name=x")
        #expect("\(url)" == "postgresql://a,[2001:db8::7]:6000/shop")
        #expect("\(try PostgresURL("postgresql://refundd@"))" == "postgresql:///refundd")
        for socket in ["postgresql:///d?host=/run/postgresql", "postgresql:///d?host=/run/postgresql&port=5433"] {
            #expect("\(try PostgresURL(socket))" == socket)
        }
    }
}
