extension Kind {
    /// A list of this kind.
    ///
    /// - Parameters:
    ///   - noun: What the entries are, such as `file names`.
    ///   - count: How many there may be.
    /// - Returns: The kind.
    func list(of noun: String, count: ClosedRange<Int> = 0...Int.max) -> Kind<[Value]> {
        Kind<[Value]>(
            read: { (raw) throws(Refusal) in
                let entries: [RawValue]
                switch raw {
                case .list(let list): entries = list
                case .variable(let text): entries = Self.entries(of: text)
                default: throw raw.refusal(expected: "an array", remedy: "write \(noun) in [ ], separated by commas")
                }
                guard count.contains(entries.count) else {
                    let bounds = count.lowerBound == 0 ? "at most" : "\(count.lowerBound) to"
                    throw Refusal(
                        entries.isEmpty ? "is empty" : "has \(entries.count) entries",
                        "write \(bounds) \(count.upperBound) \(noun)"
                    )
                }
                var values: [Value] = []
                for (index, entry) in entries.enumerated() {
                    do throws(Refusal) {
                        values.append(try self.read(entry))
                    } catch {
                        let value = error.value.map { " (\($0))" } ?? ""
                        throw Refusal("has an entry, number \(index + 1)\(value), that \(error.problem)", error.remedy)
                    }
                }
                return values
            },
            write: { "[" + $0.map(self.write).joined(separator: ", ") + "]" }
        )
    }

    private static func entries(of variable: String) -> [RawValue] {
        guard variable.contains(where: { !$0.isWhitespace }) else { return [] }
        return variable.split(separator: ",", omittingEmptySubsequences: false).map { (part: Substring) -> RawValue in
            var entry = part.drop(while: \.isWhitespace)
            while entry.last?.isWhitespace == true { entry.removeLast() }
            return .variable(String(entry))
        }
    }
}

extension Kind where Value: CaseIterable & Hashable {
    /// A set of this kind.
    func set(of noun: String) -> Kind<Set<Value>> {
        let list = list(of: noun)
        return Kind<Set<Value>>(
            read: { (raw) throws(Refusal) in Set(try list.read(raw)) },
            write: { set in list.write(Value.allCases.filter(set.contains)) }
        )
    }
}
