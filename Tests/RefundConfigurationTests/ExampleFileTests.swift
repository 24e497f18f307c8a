import FoundationEssentials
import RefundConfiguration
import RefundCore
import Testing

struct ExampleFileTests {
    private static let text: String? = {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = tests.deletingLastPathComponent().appending(path: "refundd.conf.example")
        return try? String(contentsOf: file, encoding: .utf8)
    }()

    /// Returns the file with every key in force.
    ///
    /// `#key = …` is a key, as are the lines of its array; `# Words` is a comment.
    private static func uncommented(_ text: String) -> String {
        var isInArray = false
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> Substring in
            guard isInArray || line.prefixMatch(of: ##/#[a-z_]+ = /##) != nil else { return line }
            isInArray = isInArray ? line != "#]" : line.hasSuffix("[")
            return line.dropFirst()
        }
        return lines.joined(separator: "\n")
    }

    private static func keys(in text: String) -> [String] {
        var section = ""
        var keys: [String] = []
        for line in text.split(separator: "\n") {
            if let match = line.wholeMatch(of: #/\[([a-z]+)\]/#) { section = String(match.1) }
            if let match = line.prefixMatch(of: #/([a-z_]+) = /#) { keys.append("\(section).\(match.1)") }
        }
        return keys
    }

    @Test func exampleLoadsAsItIsWithDefaults() throws {
        let text = try #require(Self.text)
        try Sample.within { sample in
            try sample.write(text.utf8)
            var gateway = GatewaySettings()
            gateway.url = "https://open.n-age.co.jp"
            gateway.appID = "wz715fc0d10ee9d156"
            gateway.merchantNo = "312100007235"
            gateway.privateKeyFile = sample.folder + "/app_private_key"
            gateway.publicKeyFiles = [sample.folder + "/gateway_public_key"]
            #expect(
                try Configuration.load(file: sample.file, environment: [:])
                    == Configuration(file: sample.file, gateways: ["default": gateway])
            )
        }
    }

    @Test func exampleHasEveryKeyInOrder() throws {
        let text = try #require(Self.text)
        #expect(Self.keys(in: Self.uncommented(text)) == Configuration.keys.map(\.path))
        // A working installation needs a merchant, although its rows may name it instead.
        let needed = Configuration.keys.filter { $0.isRequired || $0.path == "gateway.merchant_no" }
        #expect(Self.keys(in: text) == needed.map(\.path))
    }

    @Test func exampleShowsEveryDefault() throws {
        let text = try #require(Self.text)
        try Sample.within { sample in
            try sample.write(text.utf8)
            let asItIs = try Configuration.load(file: sample.file, environment: [:])
            try sample.write(Self.uncommented(text).utf8)
            #expect(try Configuration.load(file: sample.file, environment: [:]) == asItIs)
        }
    }

    @Test func exampleFitsATerminal() throws {
        let text = try #require(Self.text)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }
}
