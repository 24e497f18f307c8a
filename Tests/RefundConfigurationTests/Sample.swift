import FoundationEssentials
import RefundConfiguration
import RefundTestSupport
import Testing

/// A configuration file in a folder of its own.
struct Sample {
    let folder: String

    var file: String { "\(folder)/refundd.conf" }

    /// Runs a test with an empty folder, which is removed afterwards.
    static func within<Result>(_ body: (Sample) throws -> Result) throws -> Result {
        let folder = try TemporaryFolder()
        return try withExtendedLifetime(folder) { try body(Sample(folder: folder.path)) }
    }

    /// Returns the required keys of `[gateway]`, some replaced or, if nil, left out, followed by more text.
    ///
    /// The first lines of the additional text still belong to `[gateway]`.
    static func text(gateway: [String: String?] = [:], adding more: String = "") -> String {
        let required = [
            ("url", #""https://open.n-age.co.jp""#), ("app_id", #""wz715fc0d10ee9d156""#),
            ("private_key_file", #""app_private_key""#), ("public_key_files", #"["gateway_public_key"]"#),
        ]
        let lines = required.compactMap { key, value in gateway[key, default: value].map { "\(key) = \($0)" } }
        return "[gateway]\n" + lines.joined(separator: "\n") + "\n\(more)\n"
    }

    /// Writes a file into the folder and returns its path.
    @discardableResult
    func write(_ bytes: some Sequence<UInt8>, to name: String = "refundd.conf") throws -> String {
        let path = "\(folder)/\(name)"
        let parent = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
        try FileManager.default.createDirectory(atPath: String(parent), withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }

    static func load(_ text: String, environment: [String: String] = [:]) throws -> Configuration {
        try within { sample in
            try sample.write(text.utf8)
            return try Configuration.load(file: sample.file, environment: environment)
        }
    }

    /// Returns the problems of a configuration; none if it loads.
    static func problems(
        _ bytes: some Sequence<UInt8>,
        environment: [String: String] = [:]
    ) throws -> [ConfigurationProblem] {
        try within { sample in
            try sample.write(bytes)
            do throws(ConfigurationError) {
                _ = try Configuration.load(file: sample.file, environment: environment) { database in
                    database.url?.hasPrefix("postgresql://") == true ? nil : "no store has such URLs"
                }
                return []
            } catch {
                return error.problems
            }
        }
    }

    /// Returns the key and the code of each problem, such as `gateway.url invalid`.
    static func problems(_ text: String, environment: [String: String] = [:]) throws -> [String] {
        try problems(text.utf8, environment: environment).map { "\($0.key ?? "-") \($0.code)" }
    }

    /// Returns the messages, with `FILE` for the path of the file.
    static func messages(_ text: String, environment: [String: String] = [:]) throws -> [String] {
        try problems(text.utf8, environment: environment).map { problem in
            let path = problem.description.firstMatch(of: #/\S*/refundd\.conf/#)?.output ?? "no path"
            return problem.description.replacing(path, with: "FILE")
        }
    }
}
