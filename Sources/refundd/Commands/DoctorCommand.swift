import ArgumentParser
import RefundCore
import RefundDaemon

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check everything as the service would see it, and name the command that fixes each problem.",
        discussion: """
            Checks configuration, credentials, database and permissions, disk, clock, inotify, unit, gateways and \
            receivers, and what needs an operator. Run it as root to see what only the service may read. Exits 0 \
            without a problem and 1 with one.

            Examples:
              sudo refundd doctor
              refundd doctor --offline --json
            """
    )

    @OptionGroup var common: CommonOptions

    @Flag(help: "Do not query the gateways or resolve the receiver.")
    var offline = false

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let display = WaitDisplay()
            let findings = await Doctor(file: common.file, environment: common.environment)
                .findings(isOnline: !offline, display.begin)
            display.end()
            let isHealthy = !findings.contains { $0.gravity == .problem }
            common.show(asJSON: json) { json in
                json.bool("healthy", isHealthy)
                json.array("findings") { json in
                    for finding in findings { finding.write(to: &json) }
                }
            } _: {
                Self.lines(findings, width: $0)
            }
            guard isHealthy else { throw CommandFailure(.failed, []) }
        }
    }

    /// The findings as lines for a terminal, the problems last, where a reader looks first.
    static func lines(_ findings: [Finding], width: Int) -> [Line] {
        let sorted = findings.enumerated().sorted { left, right in
            (left.element.gravity, left.offset) < (right.element.gravity, right.offset)
        }.map(\.element)
        var lines = sorted.flatMap { finding -> [Line] in
            let label = finding.gravity.label
            // Sentences that name their subject need no second mention of it.
            let isNamed =
                finding.text.hasPrefix(finding.subject)
                || finding.subject.contains(" ") && finding.text.contains(finding.subject)
            let text = isNamed ? finding.text : "\(finding.subject): \(finding.text)"
            let folded = text.wrapped(to: width - label.count).enumerated().map { index, part in
                Line((index == 0 ? label : String(repeating: " ", count: label.count)) + part, finding.gravity.style)
            }
            let indent = String(repeating: " ", count: label.count)
            return folded + [finding.command.map { Line("\(indent)run: \($0)") }].compactMap(\.self)
        }
        let problems = findings.count { $0.gravity == .problem }
        let warnings = findings.count { $0.gravity == .warning }
        let rest = warnings == 0 ? "" : ", \(warnings.counted("warning", "warnings"))"
        lines.append(Line(""))
        lines.append(
            problems == 0
                ? Line("no problem found\(rest)", .good)
                : Line("\(problems.counted("problem", "problems")) found\(rest)", .bad)
        )
        return lines
    }
}

extension Finding.Gravity {
    fileprivate var label: String {
        switch self {
        case .fine: "ok       "
        case .note: "note     "
        case .warning: "warning  "
        case .problem: "PROBLEM  "
        }
    }

    fileprivate var style: Style? {
        switch self {
        case .fine, .note: nil
        case .warning: .warning
        case .problem: .bad
        }
    }
}
