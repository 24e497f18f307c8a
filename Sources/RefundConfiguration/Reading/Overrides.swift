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
        values = environment.filter { variable, value in
            variable.hasPrefix(Self.prefix) && variable != Self.fileVariable && !Self.isOfService(variable, value)
        }
    }

    // Kubernetes sets these in every pod for a Service whose name begins with refundd.
    // Source: <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>.
    private static func isOfService(_ variable: String, _ value: String) -> Bool {
        let isOfService = /REFUNDD_(?:.+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_.+)?)/
        let isAddress = value.prefixMatch(of: /(?:tcp|udp|sctp):\/\//) != nil
        return variable.wholeMatch(of: isOfService) != nil || (variable.hasSuffix("_PORT") && isAddress)
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
