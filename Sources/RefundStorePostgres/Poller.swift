import Dispatch
import RefundStore
import Synchronization

/// Has the queue looked at four times a second, for a store that nothing wakes.
final class Poller: WakeSource {
    private static let interval: DispatchTimeInterval = .milliseconds(250)

    private let timer = Mutex<DispatchSource?>(nil)
    private let isPaused = Atomic(false)

    init(_ wake: @escaping @Sendable () -> Void) {
        let source = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "refundd.poller"))
        source.schedule(deadline: .now() + Self.interval, repeating: Self.interval, leeway: .milliseconds(50))
        source.setEventHandler { [weak self] in
            if self?.isPaused.load(ordering: .relaxed) == false { wake() }
        }
        source.activate()
        timer.withLock { $0 = source as? DispatchSource }
    }

    deinit {
        stop()
    }

    func pause() { isPaused.store(true, ordering: .relaxed) }

    func resume(looks: Bool) { isPaused.store(false, ordering: .relaxed) }

    func stop() {
        timer.withLock { source in
            source?.cancel()
            source = nil
        }
    }
}
