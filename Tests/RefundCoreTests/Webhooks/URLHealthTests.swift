import RefundCore
import Testing

struct URLHealthTests {
    private let start = Timestamp(milliseconds: 1_800_000_000_000)

    private func later(hours: Int) -> Timestamp { start.advanced(by: .seconds(hours * 3_600)) }

    /// What is known after attempts at these hours, all with the same status.
    private func known(afterAttemptsAt hours: [Int], status: Int? = 500) -> URLHealth? {
        hours.reduce(nil as URLHealth?) { known, hour in
            URLHealth.after(.test(status: status), known: known, at: later(hours: hour))
        }
    }

    @Test(arguments: [nil, 500, 404, 429, 302])
    func failingForFiveDaysDisablesAURL(status: Int?) throws {
        let before = Array(stride(from: 0, to: 120, by: 20))
        #expect(try #require(known(afterAttemptsAt: before, status: status)).disabling == nil)
        let disabling = try #require(known(afterAttemptsAt: before + [120], status: status)?.disabling)
        #expect(disabling.at == later(hours: 120))
        #expect(disabling.reason == "no webhook was accepted for 120h")
    }

    @Test func oneSuccessClearsEverything() {
        let failing = known(afterAttemptsAt: [0, 40, 80, 119])
        #expect(URLHealth.after(.test(status: 204), known: failing, at: later(hours: 119)) == nil)
        #expect(URLHealth.after(.test(status: 200), known: nil, at: start) == nil)
    }

    @Test func failuresFarApartAreNoRun() throws {
        let health = try #require(known(afterAttemptsAt: [0, 1, 168]))
        #expect(health.disabling == nil)
        #expect(health.failingSince == later(hours: 168))
    }

    @Test func goneDisablesAtOnce() throws {
        let disabling = try #require(known(afterAttemptsAt: [0], status: 410)?.disabling)
        #expect(disabling == URLHealth.Disabling(at: start, reason: "HTTP 410"))
        #expect(disabling.refusal.contains("refundd redeliver"))
        #expect(disabling.refusal.contains("HTTP 410"))
    }

    @Test func disabledURLStaysSoAndKeepsItsReason() {
        let disabled = known(afterAttemptsAt: [0], status: 410)
        let health = URLHealth.after(.test(status: 500), known: disabled, at: later(hours: 200))
        #expect(health?.disabling == disabled?.disabling)
    }

    @Test func clockThatLeapsDisablesNothing() throws {
        #expect(try #require(known(afterAttemptsAt: [0, 1_000])).disabling == nil)
        #expect(try #require(known(afterAttemptsAt: [1_000, 0, 1])).disabling == nil)
    }
}
