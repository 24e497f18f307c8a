import RefundCore
import TOML

/// Reads a table of a TOML file key by key, with errors that name the key.
struct TableReader {
    let table: [String: TOMLValue]
    let file: String
    /// The key of the table in the file; empty for the root table.
    var place = ""

    /// An error in a key of this table.
    func error(_ key: String, _ problem: String) -> ScenarioFileError {
        ScenarioFileError(file: file, key: place.isEmpty ? key : "\(place).\(key)", problem: problem)
    }

    /// Rejects unknown keys.
    func allow(_ keys: [String]) throws(ScenarioFileError) {
        for key in table.keys.sorted() where !keys.contains(key) {
            throw error(key, "there is no such key here; the keys are \(keys.joined(separator: ", "))")
        }
    }

    func has(_ key: String) -> Bool {
        table[key] != nil
    }

    func string(_ key: String) throws(ScenarioFileError) -> String? {
        guard let value = table[key] else { return nil }
        guard case .string(let string) = value else { throw error(key, "must be a text in quotation marks") }
        return string
    }

    func bool(_ key: String) throws(ScenarioFileError) -> Bool? {
        guard let value = table[key] else { return nil }
        guard case .boolean(let bool) = value else { throw error(key, "must be true or false") }
        return bool
    }

    /// A whole number within a range.
    func integer(_ key: String, in range: ClosedRange<Int>) throws(ScenarioFileError) -> Int? {
        guard let value = table[key] else { return nil }
        guard case .integer(let integer) = value, range.contains(integer) else {
            throw error(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    func duration(_ key: String) throws(ScenarioFileError) -> Duration? {
        guard let text = try string(key) else { return nil }
        guard let duration = Duration(text) else {
            throw error(
                key,
                "must be a duration such as \"250ms\", \"5s\", \"10m\", \"2h\" or \"1d\", at most \"3650d\""
            )
        }
        return duration
    }

    /// A string that is one of an enumeration's raw values.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: String,
        of type: Choice.Type
    ) throws(ScenarioFileError) -> Choice? {
        guard let text = try string(key) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            throw error(key, "must be one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    /// The table under a key.
    func table(_ key: String) throws(ScenarioFileError) -> TableReader? {
        guard let value = table[key] else { return nil }
        guard case .table(let inner) = value else { throw error(key, "must be a table") }
        return reader(of: inner, key)
    }

    /// The tables in the array under a key.
    func tables(_ key: String) throws(ScenarioFileError) -> [TableReader]? {
        guard let value = table[key] else { return nil }
        guard case .array(let array) = value else { throw error(key, "must be an array of tables") }
        var readers: [TableReader] = []
        for (index, element) in array.enumerated() {
            guard case .table(let inner) = element else { throw error("\(key)[\(index)]", "must be a table") }
            readers.append(reader(of: inner, "\(key)[\(index)]"))
        }
        return readers
    }

    /// The tables in a table of tables, by their names.
    func namedTables(_ key: String) throws(ScenarioFileError) -> [(name: String, table: TableReader)] {
        guard let outer = try table(key) else { return [] }
        var tables: [(name: String, table: TableReader)] = []
        for (name, value) in outer.table.sorted(by: { $0.key < $1.key }) {
            let quoted = JSONWriter.quoted(name)
            guard case .table(let inner) = value else { throw outer.error(quoted, "must be a table") }
            tables.append((name, outer.reader(of: inner, quoted)))
        }
        return tables
    }

    private func reader(of inner: [String: TOMLValue], _ key: String) -> TableReader {
        TableReader(table: inner, file: file, place: place.isEmpty ? key : "\(place).\(key)")
    }
}
