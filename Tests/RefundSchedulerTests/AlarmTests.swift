import RefundCore
import RefundScheduler
import Synchronization
import Testing

/// Waits for an event that another thread raises.
private func event(_ body: (@escaping @Sendable () -> Void) -> Void) async {
    let (stream, continuation) = AsyncStream<Void>.makeStream()
    body { continuation.yield() }
    for await _ in stream { return }
}

@Suite(.timeLimit(.minutes(1)))
struct AlarmTests {
    private let now = Timestamp(milliseconds: 1_000_000)

    @Test func pastTimeRingsAtOnce() async {
        await event { raise in
            let alarm = Alarm(ring: raise)
            alarm.arm(at: Timestamp(milliseconds: 0), now: now)
            keep.withLock { $0.append(alarm) }
        }
    }

    @Test func armingAnewReplacesWhatItWasArmedFor() async {
        await event { raise in
            let alarm = Alarm(ring: raise)
            // The far time would be cut to 30 s, which is beyond this test's patience.
            alarm.arm(at: now.advanced(by: .seconds(86_400)), now: now)
            alarm.arm(at: now.advanced(by: .milliseconds(5)), now: now)
            keep.withLock { $0.append(alarm) }
        }
    }

    @Test func extremeTimesDoNotTrap() {
        let alarm = Alarm(ring: {})
        alarm.arm(at: Timestamp(milliseconds: .max), now: Timestamp(milliseconds: .min))
        alarm.arm(at: Timestamp(milliseconds: .min), now: Timestamp(milliseconds: .max))
    }
}

/// Alarms that must live until they have rung.
private let keep = Mutex<[Alarm]>([])
