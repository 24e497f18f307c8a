import Testing

struct SecretsTests {
    // A webhook secret has at least 24 bytes.
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    @Test(arguments: [
        "[webhook]\nsecret_files = [\"\(secret)\"]",
        "[webhook]\nsecret_files = \"\(secret)\"",
        "[webhook]\nsecret_files = [\"\(secret)\", 1, 2]",
        "[webhook]\nsecret_files = [[\"\(secret)\"]]",
        "[webhook]\nsecret_files = [\"-----BEGIN PRIVATE KEY----- \(secret)\"]",
        "[webhook]\nsecret_files = [\"\"\"\n-----BEGIN PRIVATE KEY-----\n\(secret)\"\"\"]",
        "[webhook]\nsecret_files = [\"MI\(String(repeating: secret, count: 5))\"]",
        "[webhook]\nsecret_files = [\"\\n\(secret)\"]",
        "[webhook]\nsecret = \"\(secret)\"",
        "[webhook]\nurl = \"https://user:\(secret)@host/\"",
        "[webhook]\nurl = \"ftp://host/?\(secret)\"",
        "[webhook]\nurl = \"https://host:99999/\(secret)\"",
        "[webhook]\nurl = \"https://host:99999/?email=ops@\(secret)\"",
        "[webhook]\nurl = \"\(secret)\"",
        "[webhook]\nallow_hosts = [\"user:\(secret)@host\"]",
        "[webhook]\nmax_in_flight = \"\(secret)\"",
    ])
    func secretIsNeverShown(text: String) throws {
        let messages = try Sample.messages(Sample.text(adding: text))
        #expect(messages.count == 1)
        #expect(messages.allSatisfy { $0.hasPrefix("FILE: webhook.") && !$0.contains(Self.secret.dropFirst(6)) })
    }

    @Test(arguments: ["url", "failure_url"], ["ftp://host/\(secret)", "https://user:\(secret)@host/", secret])
    func secretInAMonitorsURLIsNeverShown(key: String, url: String) throws {
        let messages = try Sample.messages(Sample.text(adding: "[heartbeat]\n\(key) = \"\(url)\""))
        #expect(messages.contains { $0.hasPrefix("FILE: heartbeat.\(key)") })
        #expect(messages.allSatisfy { !$0.contains(Self.secret.dropFirst(6)) })
    }

    @Test(arguments: ["https://user:\(secret)@host/", "https://host/?\(secret)", "https://host/#\(secret)"])
    func secretInAGatewayURLIsNeverShown(url: String) throws {
        let messages = try Sample.messages(Sample.text(gateway: ["url": "\"\(url)\""]))
        #expect(messages.count == 1)
        #expect(messages.allSatisfy { $0.hasPrefix("FILE: gateway.url") && !$0.contains(Self.secret) })
    }
}
