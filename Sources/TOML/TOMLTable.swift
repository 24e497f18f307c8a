/// A table under construction.
final class TOMLTable {
    /// The origin of a table, which decides what may still be added to it.
    enum Origin {
        /// The header of a table inside it; its own header may still follow.
        case implied
        /// Its own header, or the start of the document.
        case header
        /// A dotted key or an inline table.
        case key
    }

    private enum Entry {
        case value(TOMLValue)
        case table(TOMLTable)
    }

    private var origin: Origin
    private var entries: [String: Entry] = [:]

    init(_ origin: Origin) {
        self.origin = origin
    }

    /// Returns the table that a header names relative to this one; nil if the name is taken.
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

    /// Assigns a value to a key, dotted or not; returns false if the key is taken.
    func assign(_ value: TOMLValue, to path: ArraySlice<String>) -> Bool {
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
        // A table with a header of its own is complete; keys elsewhere cannot add to it.
        case .table(let table) where table.origin == .key && !rest.isEmpty:
            return table.assign(value, to: rest)
        default: return false
        }
    }

    var values: [String: TOMLValue] {
        entries.mapValues { entry in
            switch entry {
            case .value(let value): value
            case .table(let table): .table(table.values)
            }
        }
    }
}
