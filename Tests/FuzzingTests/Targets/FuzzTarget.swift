import Testing

/// Code that reads bytes from outside, with what must hold whatever those bytes are.
struct FuzzTarget: Sendable, CustomTestStringConvertible {
    /// Its name, which is the name of its folder of inputs, too.
    let name: String
    /// Reads some bytes; a trap or an error is a finding.
    let check: @Sendable (_ input: [UInt8]) throws(Finding) -> Void

    var testDescription: String { name }

    static let all = [
        json, signingString, answer, toml, configuration, duration, url, gatewayURL, allowedHost, address,
        retryAfter,
    ]
}

/// Something that does not hold for an input.
struct Finding: Error, CustomStringConvertible {
    let description: String
}

/// Finds fault unless a condition holds.
func hold(_ condition: Bool, _ what: @autoclosure () -> String) throws(Finding) {
    guard condition else { throw Finding(description: "it does not hold that " + what()) }
}
