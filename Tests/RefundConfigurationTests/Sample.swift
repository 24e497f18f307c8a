import FoundationEssentials
import RefundConfiguration
import Testing

/// A configuration file in a folder of its own.
struct Sample {
    /// The folder, which is gone after the test.
    let folder: String

    var file: String { "\(folder)/refundd.conf" }

    /// Runs a test with an empty folder.
    static func within<Result>(_ body: (Sample) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.path + "/refundd-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(Sample(folder: folder))
    }

    /// What `[gateway]` needs, with some lines replaced (or left out where nil) and more text behind it.
    ///
    /// What is added first still belongs to `[gateway]`.
    static func text(gateway: [String: String?] = [:], adding more: String = "") -> String {
        let required = [
            ("url", #""https://open.n-age.co.jp""#), ("app_id", #""wz715fc0d10ee9d156""#),
            ("private_key_file", #""app_private_key""#), ("public_key_files", #"["gateway_public_key"]"#),
        ]
        let lines = required.compactMap { key, value in gateway[key, default: value].map { "\(key) = \($0)" } }
        return "[gateway]\n" + lines.joined(separator: "\n") + "\n\(more)\n"
    }

    /// Writes a file into the folder.
    @discardableResult
    func write(_ bytes: some Sequence<UInt8>, to name: String = "refundd.conf") throws -> String {
        let path = "\(folder)/\(name)"
        let parent = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
        try FileManager.default.createDirectory(atPath: String(parent), withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }

    /// Loads a text.
    static func load(_ text: String, environment: [String: String] = [:]) throws -> Configuration {
        try within { sample in
            try sample.write(text.utf8)
            return try Configuration.load(file: sample.file, environment: environment)
        }
    }

    /// What is wrong with some bytes, each with `FILE` for the file's path; empty when they load.
    static func problems(_ bytes: some Sequence<UInt8>, environment: [String: String] = [:]) throws -> [String] {
        try within { sample in
            try sample.write(bytes)
            do throws(ConfigurationProblems) {
                _ = try Configuration.load(file: sample.file, environment: environment)
                return []
            } catch {
                return error.errors.map { $0.description.replacing(sample.file, with: "FILE") }
            }
        }
    }

    /// What is wrong with a text.
    static func problems(_ text: String, environment: [String: String] = [:]) throws -> [String] {
        try problems(text.utf8, environment: environment)
    }
}
