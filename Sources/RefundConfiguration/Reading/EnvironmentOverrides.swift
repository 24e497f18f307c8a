/// The environment variables that override keys.
struct EnvironmentOverrides {
    static let prefix = "REFUNDD_"
    // Names the configuration file, so it overrides no key.
    private static let fileVariable = "REFUNDD_CONFIG"

    private var values: [String: String]
    private var known: Set<String> = []

    init(_ environment: [String: String]) {
        values = environment.filter { variable, value in
            variable.hasPrefix(Self.prefix) && variable != Self.fileVariable && !Self.isSetByKubernetes(variable, value)
        }
    }

    // Kubernetes sets these in every pod if a Service's name starts with refundd.
    // Source: <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>.
    private static func isSetByKubernetes(_ variable: String, _ value: String) -> Bool {
        let isOfService = /REFUNDD_(?:.+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_.+)?)/
        let isAddress = value.prefixMatch(of: /(?:tcp|udp|sctp):\/\//) != nil
        return variable.wholeMatch(of: isOfService) != nil || (variable.hasSuffix("_PORT") && isAddress)
    }

    /// Returns whether a variable is set and has not been taken.
    func contains(_ variable: String) -> Bool {
        values[variable] != nil
    }

    /// Removes and returns the value of a key's variable; nil if it is not set.
    mutating func take(_ variable: String) -> String? {
        known.insert(variable)
        return values.removeValue(forKey: variable)
    }

    /// The variables that belong to no key, sorted by name.
    var unused: [String] { values.keys.sorted() }

    /// Returns the variable that an unused one most likely misspells.
    func suggestion(for variable: String) -> String? {
        // With the common prefix, all short names would be similar.
        let name = String(variable.dropFirst(Self.prefix.count))
        let names = known.sorted().map { String($0.dropFirst(Self.prefix.count)) }
        return Suggestion.closest(to: name, among: names).map { Self.prefix + $0 }
    }
}

/// Suggests the intended name for a misspelt one.
package enum Suggestion: Sendable {
    // A longer name is not a misspelt key.
    private static let maxLength = 100

    /// Returns the closest name that differs by at most two letters (one in short names); nil if none is that close.
    package static func closest(to name: String, among names: [String]) -> String? {
        guard name.utf8.count <= maxLength else { return nil }
        let distances = names.map { (name: $0, distance: distance(from: name.lowercased(), to: $0.lowercased())) }
        guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= (name.utf8.count > 4 ? 2 : 1) ? best.name : nil
    }

    /// The number of missing, additional, wrong and swapped letters (optimal string alignment).
    private static func distance(from left: String, to right: String) -> Int {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for i in left.indices {
            var row = [i + 1]
            for j in right.indices {
                var cost = min(last[j] + (left[i] == right[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, beforeLast[j - 1] + 1)
                }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[right.count]
    }
}
