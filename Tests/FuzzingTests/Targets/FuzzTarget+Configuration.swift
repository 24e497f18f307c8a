import RefundCore
import TOML

@testable import RefundConfiguration

extension FuzzTarget {
    /// The TOML reader: it survives every text and reports where a mistake is.
    static let toml = FuzzTarget(name: "toml") { input throws(Finding) in
        guard let text = String(validating: input, as: UTF8.self) else { return }
        do throws(TOMLError) {
            _ = try TOMLReader.read(text)
        } catch {
            let lines = input.count { $0 == UInt8(ascii: "\n") } + 1
            try hold((1...lines).contains(error.line), "the mistake is on a line of the text")
            try hold((1...input.count + 1).contains(error.column), "the mistake is in a column of the text")
        }
    }

    /// The whole configuration: every problem is one line, and every value is usable.
    static let configuration = FuzzTarget(name: "configuration") { input throws(Finding) in
        guard let text = String(validating: input, as: UTF8.self), let document = try? TOMLReader.read(text) else {
            return
        }
        var reader = ConfigurationReader(file: "/etc/f", document: document, environment: [:])
        let configuration: Configuration
        do throws(ConfigurationError) {
            configuration = try reader.configuration { _ in nil }
        } catch {
            try hold(!error.problems.isEmpty, "a rejected configuration has a problem")
            for problem in error.problems { try holdOneLine(problem.description) }
            return
        }
        let polling = configuration.polling
        let durations = [
            polling.initialInterval, polling.maxInterval, polling.slowAfter, polling.slowInterval,
            polling.attentionAfter, configuration.webhook.timeout,
        ]
        for duration in durations + configuration.webhook.retrySchedule.delays { try holdPrintsBack(duration) }
        for gateway in configuration.gateways.values {
            try holdPrintsBack(gateway.timeout)
            let rate = gateway.limits.maxQueriesPerSecond
            try hold(rate.isFinite && rate > 0, "the rate is positive and finite: \(rate)")
        }
        try hold(polling.multiplier.isFinite && polling.jitter.isFinite, "multiplier and jitter are finite")
    }

    /// A duration.
    static let duration = FuzzTarget(name: "duration") { input throws(Finding) in
        guard let duration = Duration(String(decoding: input, as: UTF8.self)) else { return }
        try hold(duration >= .zero && duration <= .seconds(3_650 * 86_400), "it is at most ten years")
        try holdPrintsBack(duration)
    }

    private static func holdPrintsBack(_ duration: Duration) throws(Finding) {
        try hold(Duration(duration.formatted) == duration, "\(duration.formatted) is read as the same duration")
    }

    private static func holdOneLine(_ message: String) throws(Finding) {
        let isOneLine = message.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
        try hold(isOneLine, "a message is one harmless line: \(message.debugDescription)")
    }
}
