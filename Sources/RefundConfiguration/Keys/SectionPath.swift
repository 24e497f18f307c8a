/// Where a section stands: `[polling]` or `[gateways.NAME]`.
struct SectionPath: Hashable, Sendable {
    /// The names of the tables, outermost first.
    let parts: [String]

    /// The section of a gateway.
    static func gateway(_ name: String) -> SectionPath {
        SectionPath(parts: name == Configuration.defaultGateway ? ["gateway"] : ["gateways", name])
    }

    /// The path as keys are named, such as `polling` or `gateways."my shop"`.
    var description: String {
        parts.map { Self.isBare($0) ? $0 : $0.quoted }.joined(separator: ".")
    }

    /// The header as the file writes it.
    var header: String { "[\(description)]" }

    /// The path of a key in this section, such as `polling.jitter`.
    func key(_ name: String) -> String {
        "\(description).\(Self.isBare(name) ? name.shown : name.quoted)"
    }

    /// The environment variable of a key in this section, such as `REFUNDD_POLLING_JITTER`.
    func variable(_ name: String) -> String {
        Overrides.prefix + (parts + [name]).map(Self.inVariable).joined(separator: "_")
    }

    /// A name as a part of an environment variable's.
    static func inVariable(_ name: String) -> String {
        String(name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }

    private static func isBare(_ name: String) -> Bool {
        !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
    }
}
