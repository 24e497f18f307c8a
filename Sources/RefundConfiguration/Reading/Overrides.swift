/// The environment variables that override keys.
struct Overrides {
    /// What their names begin with.
    static let prefix = "REFUNDD_"
    // It names the file and is read before there is a file.
    private static let fileVariable = "REFUNDD_CONFIG"

    private var values: [String: String]
    private var known: Set<String> = []

    /// Creates the overrides in an environment.
    init(_ environment: [String: String]) {
        values = environment.filter { $0.key.hasPrefix(Self.prefix) && $0.key != Self.fileVariable }
    }

    /// Whether a variable is set and not taken yet.
    func has(_ variable: String) -> Bool {
        values[variable] != nil
    }

    /// Takes the value of a variable, if it is set.
    mutating func take(_ variable: String) -> String? {
        known.insert(variable)
        return values.removeValue(forKey: variable)
    }

    /// The variables that nobody took, in order.
    var unknown: [String] { values.keys.sorted() }

    /// The variable that was most likely meant by one that nobody took.
    func suggestion(for variable: String) -> String? {
        // Compared without what they share, or every short name would be close to every other one.
        let name = String(variable.dropFirst(Self.prefix.count))
        let names = known.sorted().map { String($0.dropFirst(Self.prefix.count)) }
        return Suggestion.closest(to: name, among: names).map { Self.prefix + $0 }
    }
}
