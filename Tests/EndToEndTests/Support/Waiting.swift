import Foundation
import Testing

extension Trait where Self == TimeLimitTrait {
    /// The bound of a test that waits for its slot, too; every wait inside a test has a deadline of its own.
    static var endToEnd: Self { .timeLimit(.minutes(15 * Duration.patience)) }
}

extension Duration {
    fileprivate static let patience =
        ProcessInfo.processInfo.environment["TEST_PATIENCE"].flatMap(Int.init) ?? 1

    /// This bound where programs run at their usual pace, and `TEST_PATIENCE` times as much elsewhere.
    var patiently: Duration { self * Self.patience }
}

/// Something that did not happen in time.
struct TimedOut: Error, CustomStringConvertible {
    let description: String

    init(_ what: String, within limit: Duration) {
        description = "not within \(limit): \(what)"
    }
}

/// Looks again and again until something is there.
///
/// - Parameters:
///   - what: What is waited for, for the message.
///   - limit: How long to look.
///   - probe: Returns what is waited for, or nil while it is not there.
/// - Returns: What the probe returned.
/// - Throws: `TimedOut`, and whatever the probe throws.
func eventually<Value>(
    _ what: String,
    within limit: Duration = .seconds(30),
    _ probe: () async throws -> Value?
) async throws -> Value {
    let clock = ContinuousClock()
    let deadline = clock.now + limit.patiently
    while true {
        if let value = try await probe() { return value }
        guard clock.now < deadline else { throw TimedOut(what, within: limit) }
        try await clock.sleep(for: .milliseconds(50))
    }
}

/// Looks again and again until a condition holds.
func eventually(
    _ what: String,
    within limit: Duration = .seconds(30),
    _ condition: () async throws -> Bool
) async throws {
    let _: Void = try await eventually(what, within: limit) { try await condition() ? () : nil }
}

/// Looks for some time that a condition keeps holding, for things that must not happen.
///
/// - Returns: False once the condition does not hold.
func holds(for duration: Duration, _ condition: () async throws -> Bool) async throws -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + duration
    while clock.now < end {
        guard try await condition() else { return false }
        try await clock.sleep(for: .milliseconds(100))
    }
    return true
}
