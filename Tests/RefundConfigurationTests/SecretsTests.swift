import Testing

struct SecretsTests {
    // Long enough for the 24 bytes that a webhook secret has at least.
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
        "[webhook]\nmax_in_flight = \"\(secret)\"",
    ])
    func secretsAreNeverShown(text: String) throws {
        let problems = try Sample.problems(Sample.text(adding: text))
        #expect(problems.count == 1)
        #expect(
            problems.allSatisfy { $0.hasPrefix("FILE: webhook.") && !$0.contains("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") }
        )
    }
}
