import RefundCore
import TOML

extension ConfigurationReader {
    // The limits of the queue's column "gateway".
    private static let maxNameLength = 64
    private static let nameCharacters = UInt8(ascii: " ")...UInt8(ascii: "~")

    /// Reads `[gateway]` and every `[gateways.NAME]`.
    mutating func gateways() -> [String: GatewaySettings] {
        var result: [String: GatewaySettings] = [:]
        let named = namedGateways()
        let value = document.removeValue(forKey: GatewaySettings.name)
        let variables = Configuration.keys.filter { $0.section == GatewaySettings.name }.map(\.variable)
        // In a container, the environment alone may configure a gateway.
        if value != nil || variables.contains(where: environment.contains) {
            result[Configuration.defaultGateway] = settings(at: .gateway(Configuration.defaultGateway), from: value)
        } else if named?.isEmpty == true {
            let required = GatewaySettings.keys.filter(\.isRequired).map(\.name).joined(separator: ", ")
            report(InvalidValue("missing section; it needs \(required)", .missing), at: "gateway")
        }
        for (name, value) in (named ?? [:]).sorted(by: { $0.key < $1.key }) {
            if let problem = Self.problem(withName: name) {
                // Not `SectionPath.gateway`, which would name the section of the default gateway.
                report(problem, at: SectionPath(parts: ["gateways", name]).description)
            } else {
                result[name] = settings(at: .gateway(name), from: value)
            }
        }
        return result
    }

    /// Returns the content of `[gateways]`; nil if it is not a table.
    private mutating func namedGateways() -> [String: TOMLValue]? {
        switch document.removeValue(forKey: "gateways") {
        case nil: return [:]
        case .table(let table):
            reportAmbiguousVariables(of: table.keys.sorted())
            return table
        case let value?:
            let shown = ConfigurationValue.file(value).shown
            report(InvalidValue("expected a section per gateway, [gateways.NAME]", value: shown), at: "gateways")
            return nil
        }
    }

    private static func problem(withName name: String) -> InvalidValue? {
        if name == Configuration.defaultGateway { return InvalidValue("this gateway's section is [gateway]") }
        let isValid =
            (1...maxNameLength).contains(name.utf8.count) && name.utf8.allSatisfy(nameCharacters.contains)
            && name.contains { $0 != " " }
        return isValid ? nil : InvalidValue("expected a name of at most \(maxNameLength) printable ASCII characters")
    }

    /// Reports variables that are set and could belong to several gateways.
    private mutating func reportAmbiguousVariables(of names: [String]) {
        let groups = Dictionary(grouping: names, by: SectionPath.inVariable).sorted { $0.key < $1.key }
        for (_, names) in groups where names.count > 1 {
            for key in GatewaySettings.keys {
                let variable = SectionPath.gateway(names[0]).variable(key.name)
                guard environment.take(variable) != nil else { continue }
                let all = names.map(\.quoted).joined(separator: " and ")
                report(
                    InvalidValue("belongs to the gateways \(all); rename one", .conflict),
                    at: nil,
                    variable: variable
                )
            }
        }
    }
}

/// The path of a section: `[polling]` or `[gateways.NAME]`.
struct SectionPath: Hashable, Sendable {
    /// The names of the tables, outermost first.
    let parts: [String]

    /// Returns the section of a gateway.
    static func gateway(_ name: String) -> SectionPath {
        SectionPath(parts: name == Configuration.defaultGateway ? ["gateway"] : ["gateways", name])
    }

    /// The path as messages name it, such as `polling` or `gateways."my shop"`.
    var description: String {
        parts.map(Self.inFile).joined(separator: ".")
    }

    /// The header in the file.
    var header: String { "[\(description)]" }

    /// Returns the path of a key of this section, such as `polling.jitter`.
    func key(_ name: String) -> String {
        "\(description).\(Self.inFile(name))"
    }

    /// Returns the environment variable of a key of this section, such as `REFUNDD_POLLING_JITTER`.
    func variable(_ name: String) -> String {
        EnvironmentOverrides.prefix + (parts + [name]).map(Self.inVariable).joined(separator: "_")
    }

    /// Returns a name in the spelling of environment variables.
    static func inVariable(_ name: String) -> String {
        String(name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }

    private static func inFile(_ name: String) -> String {
        let isBare =
            !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) }
        return isBare ? name.shown : name.quoted
    }
}
