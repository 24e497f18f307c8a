import RefundCore

@testable import RefundConfiguration

extension FuzzTarget {
    /// The TOML reader: it outlives every text, and says where a mistake is.
    static let toml = FuzzTarget(name: "toml") { input throws(Finding) in
        guard let text = String(validating: input, as: UTF8.self) else { return }
        do throws(ConfigurationError) {
            _ = try TOMLReader.entries(of: text, file: "f")
        } catch {
            let lines = input.count { $0 == UInt8(ascii: "\n") } + 1
            guard let position = error.position, let column = position.column else {
                throw Finding(description: "no place is given: \(error)")
            }
            try hold((1...lines).contains(position.line), "the mistake is on a line of the text")
            try hold((1...input.count + 1).contains(column), "the mistake is in a column of the text")
            try holdOneLine(error.description)
        }
    }

    /// The whole configuration: every complaint is one line, and what is taken prints back to the same.
    static let configuration = FuzzTarget(name: "configuration") { input throws(Finding) in
        guard let text = String(validating: input, as: UTF8.self),
            let document = try? TOMLReader.entries(of: text, file: "f")
        else { return }
        var reader = ConfigurationReader(file: "/etc/f", document: document, environment: [:])
        let configuration: Configuration
        do throws(ConfigurationProblems) {
            configuration = try reader.configuration()
        } catch {
            try hold(!error.errors.isEmpty, "a refusal has a reason")
            for error in error.errors { try holdOneLine(error.description) }
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
            try hold(rate.isFinite && rate > 0, "the rate is a number: \(rate)")
        }
        try hold(polling.multiplier.isFinite && polling.jitter.isFinite, "the pace is made of numbers")
    }

    /// A duration of the configuration.
    static let duration = FuzzTarget(name: "duration") { input throws(Finding) in
        let text = String(decoding: input, as: UTF8.self)
        guard let duration = try? Duration.configured(text) else { return }
        try hold(duration >= .milliseconds(1) && duration <= .seconds(3_650 * 86_400), "it is from 1 ms to ten years")
        try holdPrintsBack(duration)
    }

    private static func holdPrintsBack(_ duration: Duration) throws(Finding) {
        try hold((try? Duration.configured(duration.inWords)) == duration, "\(duration.inWords) is read as the same")
    }

    private static func holdOneLine(_ message: String) throws(Finding) {
        let isOneLine = message.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
        try hold(isOneLine, "a message is one line that a terminal only shows: \(message.debugDescription)")
    }
}
