extension ConfigurationReader {
    // What the queue accepts in the column "gateway".
    private static let longestName = 64
    private static let printable = UInt8(ascii: " ")...UInt8(ascii: "~")

    /// Reads `[gateway]` and every `[gateways.NAME]`.
    mutating func gateways() -> [String: GatewaySettings] {
        var result: [String: GatewaySettings] = [:]
        let path = SectionPath.gateway(Configuration.defaultGateway)
        let others = otherGateways()
        let value = takeFromTop("gateway")
        // The environment alone may configure a gateway, as it does in a container.
        if value != nil || Configuration.keys.contains(where: { $0.section == "gateway" && overrides.has($0.variable) })
        {
            result[Configuration.defaultGateway] = settings(at: path, from: value)
        } else if others?.isEmpty == true {
            let keys = "url, app_id, private_key_file and public_key_files"
            report(Refusal("is missing", "add a section [gateway] with \(keys)"), at: "gateway")
        }
        for (name, value) in (others ?? [:]).sorted(by: { $0.key < $1.key }) where isUsable(name: name) {
            result[name] = settings(at: .gateway(name), from: value)
        }
        return result
    }

    /// What stands in `[gateways]`, or nil when that is no table.
    private mutating func otherGateways() -> [String: RawValue]? {
        switch takeFromTop("gateways") {
        case nil: return [:]
        case .table(let table):
            refuseAmbiguousVariables(of: table.keys.sorted())
            return table
        case let value?:
            report(value.refusal(expected: "a table", remedy: "write [gateways.NAME] for each gateway"), at: "gateways")
            return nil
        }
    }

    private mutating func isUsable(name: String) -> Bool {
        // Not `SectionPath.gateway`, which takes "default" for the other section.
        let key = SectionPath(parts: ["gateways", name]).description
        if name == Configuration.defaultGateway {
            report(Refusal("is the name of the gateway in [gateway]", "use [gateway] for it"), at: key)
        } else if !name.contains(where: { !$0.isWhitespace }) {
            report(Refusal("has no name", "write a name after the dot, such as [gateways.second]"), at: key)
        } else if name.utf8.count > Self.longestName || !name.utf8.allSatisfy(Self.printable.contains) {
            let remedy = "use at most \(Self.longestName) printable ASCII characters"
            report(Refusal("has a name that no row of the queue can have", remedy), at: key)
        } else {
            return true
        }
        return false
    }

    /// Refuses variables that two gateways could mean.
    private mutating func refuseAmbiguousVariables(of names: [String]) {
        let groups = Dictionary(grouping: names, by: SectionPath.inVariable).sorted { $0.key < $1.key }
        for (_, names) in groups where names.count > 1 {
            let section = SectionPath(parts: ["gateways", names[0]])
            for setting in Configuration.keys where setting.section == "gateway" {
                let variable = section.variable(setting.name)
                guard overrides.take(variable) != nil else { continue }
                let all = names.map(\.quoted).joined(separator: " and ")
                let refusal = Refusal("could mean the gateways \(all)", "unset it, or give one of them another name")
                report(refusal, at: nil, variable: variable)
            }
        }
    }
}
