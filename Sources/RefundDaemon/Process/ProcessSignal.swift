import Dispatch
import Glibc

/// What the service manager or a person tells the process.
enum ProcessSignal: Sendable {
    /// SIGTERM or SIGINT: drain.
    case terminate
    /// SIGHUP: read the configuration again.
    case reload

    private static let meanings: [(CInt, ProcessSignal)] = [
        (SIGTERM, .terminate), (SIGINT, .terminate), (SIGHUP, .reload),
    ]

    /// Catches the signals from now on.
    ///
    /// - Parameter handler: Told of each, on a queue of its own.
    /// - Returns: What catches them; it must be kept as long as they are to be caught.
    static func `catch`(_ handler: @escaping @Sendable (ProcessSignal) -> Void) -> [any DispatchSourceSignal] {
        let queue = DispatchQueue(label: "refundd.signals")
        return meanings.map { signal, meaning in
            let source = DispatchSource.makeSignalSource(signal: signal, queue: queue)
            source.setEventHandler { handler(meaning) }
            source.activate()
            return source
        }
    }
}
