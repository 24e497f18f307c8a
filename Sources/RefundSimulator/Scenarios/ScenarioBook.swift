/// All scenarios of a simulator, and which refund gets which.
///
/// A refund's scenario is, in this order: the one under its exact number, the one with the longest prefix of its
/// number, that of a built-in prefix (see ``BuiltInPrefix``), one drawn from the mix, the default.
package struct ScenarioBook: Hashable, Sendable {
    /// A scenario of the mix.
    package struct Share: Hashable, Sendable {
        /// How often it is drawn, relative to the other weights.
        package var weight: Int
        /// The scenario.
        package var scenario: Scenario

        /// Creates a share.
        package init(weight: Int, scenario: Scenario) {
            self.weight = weight
            self.scenario = scenario
        }
    }

    /// Whether errors raised before the application is authenticated are signed.
    ///
    /// What live gateways do is not known.
    package var signsEarlyErrors = false
    /// The scenario of a refund that nothing else claims.
    package var standard = Scenario()
    /// Scenarios by exact number.
    package var orders: [String: Scenario] = [:]
    /// Scenarios by the beginning of the number.
    package var prefixes: [String: Scenario] = [:]
    /// Scenarios to draw from, or none.
    package var mix: [Share] = []
    /// Decides what is drawn, and the numbers that the gateway gives refunds.
    package var seed: UInt64 = 0

    /// Creates a book in which every refund settles at the second query.
    package init() {}

    /// Finds the scenario of a refund, the same one every time.
    ///
    /// - Parameter number: The order number or `trans_no` that is asked for.
    /// - Returns: The scenario; there always is one.
    package func scenario(for number: String) -> Scenario {
        orders[number] ?? prefixed(number) ?? BuiltInPrefix.scenario(for: number, base: standard) ?? drawn(number)
            ?? standard
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
