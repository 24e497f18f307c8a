import Dispatch
import Glibc

/// A signal from the service manager or an operator.
enum ProcessSignal: Sendable {
    /// SIGTERM or SIGINT: drain; a second one stops at once.
    case terminate
    /// SIGHUP: reload the configuration.
    case reload

    private static let numbers: [(CInt, ProcessSignal)] = [
        (SIGTERM, .terminate), (SIGINT, .terminate), (SIGHUP, .reload),
    ]

    /// Catches the signals for the rest of the process's life.
    ///
    /// - Parameter handler: Called for each signal, on a queue of its own.
    static func `catch`(_ handler: @escaping @Sendable (ProcessSignal) -> Void) async {
        let queue = DispatchQueue(label: "refundd.signals")
        for (number, signal) in numbers {
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            // The handler keeps its source, which catches the signal only while it exists.
            source.setEventHandler { withExtendedLifetime(source) { handler(signal) } }
            // Until the source is registered, the signal's default action would end the process.
            await withCheckedContinuation { continuation in
                source.setRegistrationHandler { continuation.resume() }
                source.activate()
            }
        }
    }
}
