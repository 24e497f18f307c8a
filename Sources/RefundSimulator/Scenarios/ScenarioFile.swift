import RefundCore
import TOML

extension ScenarioBook {
    /// Reads a scenario file.
    ///
    /// - Parameter path: The file's name.
    /// - Throws: `ScenarioFileError` with file, key and problem.
    package init(path: String) throws(ScenarioFileError) {
        let bytes: [UInt8]
        do {
            bytes = try LocalFile.bytes(at: path)
        } catch {
            throw ScenarioFileError(file: path, key: nil, problem: error.problem)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ScenarioFileError(file: path, key: nil, problem: "the text is not UTF-8")
        }
        try self.init(text: text, file: path)
    }

    /// Reads the text of a scenario file.
    ///
    /// - Parameters:
    ///   - text: TOML.
    ///   - file: The name to use in errors.
    /// - Throws: `ScenarioFileError` with file, key and problem.
    package init(text: String, file: String) throws(ScenarioFileError) {
        let top: TableReader
        do {
            top = TableReader(table: try TOMLReader.read(text), file: file)
        } catch {
            let problem = "line \(error.line), column \(error.column): \(error.problem.rawValue)"
            throw ScenarioFileError(file: file, key: nil, problem: problem)
        }
        self.init()
        try top.allow(["sign_early_errors", "default", "orders", "prefixes", "mix"])
        signsEarlyErrors = try top.bool("sign_early_errors") ?? false
        if let table = try top.table("default") { standard = try Scenario(table, base: standard) }
        orders = try Self.scenarios(top, "orders", base: standard)
        prefixes = try Self.scenarios(top, "prefixes", base: standard)
        if let table = try top.table("mix") { try readMix(table) }
    }

    private static func scenarios(
        _ top: TableReader,
        _ key: String,
        base: Scenario
    ) throws(ScenarioFileError) -> [String: Scenario] {
        var scenarios: [String: Scenario] = [:]
        for (name, table) in try top.namedTables(key) {
            guard RefundNumber.isValid(name, upTo: RefundNumber.transNoLimit) else {
                throw ScenarioFileError(
                    file: table.file,
                    key: table.place,
                    problem: "is not a refund's number: 1 to 64 of A-Z a-z 0-9 _ - | * @"
                )
            }
            scenarios[name] = try Scenario(table, base: base)
        }
        return scenarios
    }

    private mutating func readMix(_ table: TableReader) throws(ScenarioFileError) {
        try table.allow(["seed", "entries"])
        seed = UInt64(try table.integer("seed", in: 0...Int.max) ?? 0)
        guard let entries = try table.tables("entries"), !entries.isEmpty else {
            throw table.error("entries", "must be an array of at least one table, each with a weight")
        }
        for entry in entries {
            guard let weight = try entry.integer("weight", in: 1...1_000_000) else {
                throw entry.error("weight", "is missing; set how often the scenario is drawn, such as weight = 70")
            }
            mix.append(Share(weight: weight, scenario: try Scenario(entry, base: standard, alsoAllowed: ["weight"])))
        }
    }
}

/// Why a scenario file cannot be used, and where.
package struct ScenarioFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file's name.
    package let file: String
    /// The key, such as `orders."R-1001".amount`, or nil for the file as a whole.
    package let key: String?
    /// What is wrong, and what to write instead.
    package let problem: String

    /// One sentence for the terminal.
    package var description: String {
        key.map { "\(file): \($0): \(problem)" } ?? "\(file): \(problem)"
    }
}
