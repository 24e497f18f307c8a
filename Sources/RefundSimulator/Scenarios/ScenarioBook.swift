import RefundCore

/// All scenarios of a simulator and the rules that assign them to refunds.
///
/// A refund's scenario is the first of these: that of its exact number, that of the longest matching prefix, that of a
/// built-in prefix (see ``BuiltInPrefix``), one drawn from the mix, the default. An amount that the number encodes
/// replaces the scenario's, unless the scenario is that of the exact number, or a mismatch.
package struct ScenarioBook: Hashable, Sendable {
    /// A scenario of the mix.
    package struct Share: Hashable, Sendable {
        /// How often it is drawn, relative to the others.
        package var weight: Int
        /// The scenario.
        package var scenario: Scenario

        /// Creates a share.
        package init(weight: Int, scenario: Scenario) {
            self.weight = weight
            self.scenario = scenario
        }
    }

    /// Whether refusals before the application is authenticated are signed.
    ///
    /// What live gateways do is unknown.
    package var signsEarlyErrors = false
    /// The scenario of every other refund.
    package var standard = Scenario()
    /// Scenarios by exact number.
    package var orders: [String: Scenario] = [:]
    /// Scenarios by prefix of the number.
    package var prefixes: [String: Scenario] = [:]
    /// Scenarios to draw from.
    package var mix: [Share] = []
    /// Determines what is drawn, and the numbers that the gateway assigns.
    package var seed: UInt64 = 0

    /// Creates a book in which every refund settles at the second query.
    package init() {}

    /// The scenario of a refund, always the same one.
    ///
    /// - Parameter number: The order number or `trans_no` in the query.
    /// - Returns: The scenario.
    package func scenario(for number: String) -> Scenario {
        orders[number] ?? prefixed(number)?.paying(number)
            ?? BuiltInPrefix.scenario(for: number, base: standard.paying(number))
            ?? (drawn(number) ?? standard).paying(number)
    }

    private func prefixed(_ number: String) -> Scenario? {
        prefixes.filter { number.hasPrefix($0.key) }.max { $0.key.utf8.count < $1.key.utf8.count }?.value
    }

    private func drawn(_ number: String) -> Scenario? {
        let total = mix.reduce(0) { $0 + UInt64(clamping: $1.weight) }
        guard total > 0 else { return nil }
        var rest = StableHash.value(of: number, seed: seed, purpose: "mix") % total
        for share in mix {
            let weight = UInt64(clamping: share.weight)
            if rest < weight { return share.scenario }
            rest -= weight
        }
        return nil
    }
}

extension Scenario {
    /// The scenario with the amount at the end of a refund's number, if it has one: `@`, the currency and the amount, with
    /// `_` for the decimal point.
    ///
    /// | number | amount |
    /// | --- | --- |
    /// | `R-1001@JPY1200` | 1200 JPY |
    /// | `OK3-7@USD12_50` | 12.50 USD |
    ///
    /// No shop's own numbers look like this by accident.
    fileprivate func paying(_ number: String) -> Scenario {
        guard let at = number.lastIndex(of: "@") else { return self }
        let text = number[number.index(after: at)...]
        let (currency, amount) = (text.prefix(3), text.dropFirst(3).replacing("_", with: "."))
        guard currency.utf8.count == 3, currency.utf8.allSatisfy({ (0x41...0x5A).contains($0) }),
            amount.utf8.allSatisfy({ $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }),
            DecimalAmount(amount) != nil
        else { return self }
        var scenario = self
        (scenario.amount, scenario.currency) = (String(amount), String(currency))
        return scenario
    }
}

/// A hash that, unlike `Hasher`, is the same in every process, so that drawing and numbering are repeatable.
enum StableHash {
    /// Hashes a text.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - seed: Different seeds give unrelated values.
    ///   - purpose: Different purposes give unrelated values.
    /// - Returns: A value spread evenly over all 64 bits.
    static func value(of text: String, seed: UInt64, purpose: String) -> UInt64 {
        func mixed(_ value: UInt64) -> UInt64 {
            var generator = SplitMix64(seed: value)
            return generator.next()
        }
        // FNV-1a, then SplitMix64, so that similar texts have unrelated values.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ mixed(seed)
        for byte in "\(purpose)\0\(text)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return mixed(hash)
    }
}
