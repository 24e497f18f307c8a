import Foundation

/// Which worlds are simulated.
enum Seeds {
    /// How many are part of every run of the tests.
    static let usual: UInt64 = 36

    /// The one seed of `REFUNDD_SIMULATION_SEED`, whose world is to be traced.
    static var single: UInt64? { variable("REFUNDD_SIMULATION_SEED") }

    /// The seeds to run; `REFUNDD_SIMULATION_SEEDS` says how many, `REFUNDD_SIMULATION_FIRST` from which on.
    static var all: Range<UInt64> {
        if let single { return single..<single + 1 }
        let first = variable("REFUNDD_SIMULATION_FIRST") ?? 1
        return first..<first + (variable("REFUNDD_SIMULATION_SEEDS") ?? usual)
    }

    private static func variable(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }
}
