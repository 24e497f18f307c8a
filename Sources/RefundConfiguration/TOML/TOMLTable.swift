/// A table while its text is read.
final class TOMLTable {
    /// What made a table, which decides what may still be added to it.
    enum Origin {
        /// The header of a table inside it; its own header may follow.
        case implied
        /// Its own header, or the beginning of the text.
        case header
        /// A dotted key, or braces.
        case key
    }

    private enum Entry {
        case value(RawValue)
        case table(TOMLTable)
    }

    private var origin: Origin
    private var entries: [String: Entry] = [:]

    /// Creates an empty table.
    init(_ origin: Origin) {
        self.origin = origin
    }

    /// The table that a header below this one names.
    ///
    /// - Returns: The table, or nil when the name is taken.
    func section(_ path: ArraySlice<String>) -> TOMLTable? {
        guard let name = path.first else {
            guard origin == .implied else { return nil }
            origin = .header
            return self
        }
        switch entries[name] {
        case .value: return nil
        case .table(let table): return table.section(path.dropFirst())
        case nil:
            let table = TOMLTable(.implied)
            entries[name] = .table(table)
            return table.section(path.dropFirst())
        }
    }

    /// Puts a value where a key, dotted or not, says.
    ///
    /// - Returns: Whether the key was free.
    func assign(_ value: RawValue, to path: ArraySlice<String>) -> Bool {
        guard let name = path.first else { return false }
        let rest = path.dropFirst()
        switch entries[name] {
        case nil where rest.isEmpty:
            entries[name] = .value(value)
            return true
        case nil:
            let table = TOMLTable(.key)
            entries[name] = .table(table)
            return table.assign(value, to: rest)
        // What has a header is complete; a key elsewhere cannot add to it.
        case .table(let table) where table.origin == .key && !rest.isEmpty:
            return table.assign(value, to: rest)
        default: return false
        }
    }

    /// What is in the table.
    var values: [String: RawValue] {
        entries.mapValues { entry in
            switch entry {
            case .value(let value): value
            case .table(let table): .table(table.values)
            }
        }
    }
}
