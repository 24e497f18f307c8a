/// How much a cycle reads at most, however much the queue holds; what is left has its turn in a later cycle.
package enum CycleLimit {
    /// The merchants of a gateway that are looked at.
    package static let merchants = 64
    /// The unconfigured gateways whose refunds are read, and the names that are looked at to find them.
    package static let (unknownGateways, gatewayNames) = (64, 512)
    /// The webhooks that became due first, and those that became due last, whose endpoints are read.
    package static let (oldestWebhooks, newestWebhooks) = (256, 64)
    /// The endpoints that are read in turn.
    package static let endpoints = 256
    /// The webhooks that became due last among which verdicts are looked for.
    package static let latestWebhooks = 1_000
    /// No claim lasts longer: one that ends later was not made by refundd, and has expired.
    package static let lease: Duration = .seconds(24 * 3_600)
}
