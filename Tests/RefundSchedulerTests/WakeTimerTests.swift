import RefundCore
import Testing

@testable import RefundScheduler

@Suite(.timeLimit(.minutes(1)))
struct WakeTimerTests {
    private let now = Timestamp(milliseconds: 1_000_000)

    /// Arms a timer and waits until it fires.
    private func fires(_ arm: (WakeTimer) -> Void) async {
        let (fired, continuation) = AsyncStream<Void>.makeStream()
        let timer = WakeTimer { continuation.yield() }
        arm(timer)
        for await _ in fired { break }
        withExtendedLifetime(timer) {}
    }

    @Test func pastTimeFiresAtOnce() async {
        await fires { $0.arm(at: Timestamp(milliseconds: 0), now: now) }
    }

    @Test func laterCallReplacesTheTime() async {
        await fires { timer in
            // Cut to 30 s, which is beyond this test's patience.
            timer.arm(at: now.advanced(by: .seconds(86_400)), now: now)
            timer.arm(at: now.advanced(by: .milliseconds(5)), now: now)
        }
    }

    @Test func extremeTimesDoNotTrap() {
        let timer = WakeTimer {}
        timer.arm(at: Timestamp(milliseconds: .max), now: Timestamp(milliseconds: .min))
        timer.arm(at: Timestamp(milliseconds: .min), now: Timestamp(milliseconds: .max))
    }
}
