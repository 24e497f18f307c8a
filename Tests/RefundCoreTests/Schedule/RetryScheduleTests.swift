import RefundCore
import Testing

struct RetryScheduleTests {
    private let schedule = RetrySchedule()

    /// The waits before each retry, in seconds.
    static let waits = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]

    @Test(arguments: Array(waits.enumerated()))
    func eachRetryHasItsWait(index: Int, seconds: Int) {
        let delay = schedule.delay(afterAttempts: index + 1, retryAfter: nil, draw: 0.5)
        #expect(delay == .seconds(seconds))
    }

    @Test(arguments: [10, 11, .max, 0, -1, .min] as [Int])
    func afterTheLastRetryThereIsNone(attempts: Int) {
        #expect(schedule.delay(afterAttempts: attempts, retryAfter: nil, draw: 0.5) == nil)
        #expect(schedule.delay(afterAttempts: attempts, retryAfter: .seconds(60), draw: 0.5) == nil)
    }

    @Test(arguments: [(0.0, 4_500), (0.5, 5_000), (1.0, 5_500)])
    func retriesAreJittered(draw: Double, milliseconds: Int) {
        #expect(schedule.delay(afterAttempts: 1, retryAfter: nil, draw: draw) == .milliseconds(milliseconds))
    }

    @Test(arguments: [(0, 5), (1, 5), (5, 5), (60, 60), (86_400, 86_400), (86_401, 86_400), (31_536_000, 86_400)])
    func retryAfterLengthensAWaitWithinBounds(asked: Int, waited: Int) {
        #expect(schedule.delay(afterAttempts: 1, retryAfter: .seconds(asked), draw: 0.5) == .seconds(waited))
    }

    @Test func retryAfterNeverShortensAWait() {
        #expect(schedule.delay(afterAttempts: 9, retryAfter: .seconds(1), draw: 1) == .seconds(95_040))
        #expect(schedule.delay(afterAttempts: 1, retryAfter: .seconds(-60), draw: 0.5) == .seconds(5))
    }

    @Test func scheduleWithoutRetriesGivesUpAfterTheFirstAttempt() {
        var schedule = schedule
        schedule.delays = []
        #expect(schedule.delay(afterAttempts: 1, retryAfter: nil, draw: 0.5) == nil)
    }
}
