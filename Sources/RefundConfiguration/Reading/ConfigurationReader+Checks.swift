import RefundCore

extension ConfigurationReader {
    /// Checks what keys must be together.
    mutating func checkTogether(_ configuration: Configuration) {
        let polling = configuration.polling
        // A refused value left its default behind, which nobody wrote.
        if polling.maxInterval < polling.initialInterval, !isRefused("polling.max_interval"),
            !isRefused("polling.initial_interval")
        {
            let refusal = Refusal(
                "is shorter than polling.initial_interval, which is \(polling.initialInterval.inWords.quoted)",
                "raise it, or lower polling.initial_interval",
                value: polling.maxInterval.inWords.quoted
            )
            report(refusal, at: "polling.max_interval")
        }
        let webhook = configuration.webhook
        if webhook.url != nil, webhook.secretFiles.isEmpty, !isRefused("webhook.secret_files") {
            let refusal = Refusal(
                "is empty although webhook.url is set",
                "name a file with a whsec_… secret, or empty webhook.url"
            )
            report(refusal, at: "webhook.secret_files")
        }
    }

    /// Refuses what stands at the top of the file and is no section.
    mutating func refuseUnknownSections() {
        let sections = Self.sections
        for (name, value) in document.sorted(by: { $0.key < $1.key }) {
            let key = SectionPath(parts: [name]).description
            let all = sections.map { "[\($0)]" }.joined(separator: ", ")
            if case .table = value {
                let hint = Suggestion.closest(to: name, among: sections).map { "did you mean [\($0)]?" }
                report(Refusal("is not a section", hint ?? "use one of \(all)"), at: key)
            } else {
                let owners = Configuration.keys.filter { $0.name == name }.map { "[\($0.section)]" }
                let remedy =
                    owners.isEmpty
                    ? "remove it, or move it below one of \(all)" : "move it below \(owners.joined(separator: " or "))"
                report(Refusal("stands outside of any section", remedy), at: key)
            }
        }
    }

    /// Refuses variables that begin as ours do and override nothing.
    mutating func refuseUnknownVariables() {
        for variable in overrides.unknown {
            let hint = overrides.suggestion(for: variable).map { "did you mean \($0)? otherwise unset it" }
            let refusal = Refusal("overrides no key of \(file)", hint ?? "unset it")
            report(refusal, at: nil, variable: variable.shown)
        }
    }

    /// What to change about an unknown key.
    static func remedy(forUnknownKey name: String, in section: String) -> String {
        let keys = Configuration.keys
        if let close = Suggestion.closest(to: name, among: keys.filter { $0.section == section }.map(\.name)) {
            return "did you mean \(close)?"
        }
        let owners = keys.filter { $0.name == name }.map { "[\($0.section)]" }
        return owners.isEmpty ? "remove it" : "move it to \(owners.joined(separator: " or "))"
    }

    private static var sections: [String] {
        var sections = Configuration.keys.map(\.section)
        sections.append("gateways")
        return Array(Set(sections)).sorted()
    }
}
