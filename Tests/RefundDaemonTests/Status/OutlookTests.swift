import RefundCore
import RefundDaemon
import RefundStore
import Testing

/// When the next query or webhook is sent, and what holds it back.
struct OutlookTests {
    private static let now = Timestamp(milliseconds: 1_790_000_000_000)
    private let later = now.advanced(by: .seconds(60))
    private let breaker = OpenBreaker(since: now, reason: "HTTP 503", nextProbe: now.advanced(by: .seconds(15)))

    private func refund(due: Timestamp? = now) -> Refund {
        var refund = Refund(id: 1, merchantOrderNo: "R-1", createdAt: Self.now)
        refund.nextQueryAt = due
        return refund
    }

    private func outlook(_ change: (inout Outlook) -> Void = { _ in }) -> Outlook {
        var outlook = Outlook(at: Self.now)
        change(&outlook)
        return outlook
    }

    private func holder(_ step: NextStep) -> String? {
        if case .held(let hold) = step { hold.holder } else { nil }
    }

    @Test func dueRefundIsQueriedNowAndAnotherLater() {
        #expect(outlook().nextQuery(refund()) == .now)
        #expect(outlook().nextQuery(refund(due: nil)) == .now)
        #expect(outlook().nextQuery(refund(due: later)) == .scheduled(later))
    }

    @Test func finalRefundIsNeverQueriedAgain() {
        var settled = refund()
        settled.state = .settled
        #expect(outlook { $0.isServed = false }.nextQuery(settled) == .none)
    }

    @Test func nothingIsQueriedWithoutADaemon() {
        let outlook = outlook {
            $0.isServed = false
            $0.claimedRefunds = [1]
        }
        #expect(holder(outlook.nextQuery(refund(due: later))) == "daemon")
    }

    @Test func claimedRefundIsInFlight() {
        #expect(outlook { $0.claimedRefunds = [1] }.nextQuery(refund()) == .inFlight)
    }

    @Test func pauseHoldsQueriesAndWebhooksBeforeEverythingElse() {
        let pause = Pause(since: Self.now, by: "ada", reason: "maintenance")
        let outlook = outlook { outlook in
            outlook.pauses = [.gateway("default"): pause, .endpoint("https://shop.example:443"): pause]
            outlook.breakers = ["default": breaker]
            outlook.disabledURLs = ["https://shop.example/a": "HTTP 410"]
        }
        let webhook = WebhookRow(
            id: "msg_1",
            refundID: 1,
            sequence: 1,
            type: "refund.settled",
            url: "https://shop.example/a",
            body: [],
            state: "pending",
            attempts: 0,
            createdAt: Self.now
        )
        for (step, peer) in [
            (outlook.nextQuery(refund(due: later)), "gateway default"),
            (outlook.nextAttempt(webhook), "endpoint https://shop.example:443"),
        ] {
            guard case .held(let hold) = step else {
                Issue.record("not held")
                continue
            }
            #expect(hold.holder == "pause" && hold.until == nil)
            #expect(hold.reason.hasPrefix("\(peer) is paused since "))
            #expect(hold.reason.contains("by ada (maintenance); run refundd resume --"))
        }
    }

    @Test func gatewayThatIsOnlyProbedHoldsItsRefunds() {
        let outlook = outlook { $0.breakers = ["default": breaker, "other": breaker] }
        guard case .held(let hold) = outlook.nextQuery(refund(due: later)) else {
            Issue.record("not held")
            return
        }
        #expect(hold.holder == "gateway" && hold.reason.contains("HTTP 503") && hold.until == breaker.nextProbe)
    }

    @Test func gatewayThatRefusesOurCredentialsHoldsItsRefunds() {
        let incident = GatewayIncident(
            kind: .misconfigured,
            code: "SYS002",
            message: "wrong signature",
            isVerified: true,
            since: Self.now
        )
        #expect(holder(outlook { $0.incidents = ["default": incident] }.nextQuery(refund())) == "gateway")
        #expect(outlook { $0.incidents = ["other": incident] }.nextQuery(refund()) == .now)
    }

    @Test func refundThatTheConfigurationCannotServeIsHeld() {
        #expect(holder(outlook { $0.gateways = [:] }.nextQuery(refund())) == "configuration")
        #expect(holder(outlook { $0.gateways = ["default": nil] }.nextQuery(refund())) == "configuration")
        #expect(outlook { $0.gateways = ["default": "312"] }.nextQuery(refund()) == .now)
    }

    // MARK: - Webhooks

    private func webhook(_ state: WebhookState = .pending, due: Timestamp? = now) -> WebhookRow {
        var webhook = WebhookRow(
            id: "msg_1",
            refundID: 1,
            sequence: 1,
            type: "refund.settled",
            url: "https://shop.example/token",
            body: [],
            state: state.rawValue,
            attempts: 0,
            createdAt: Self.now
        )
        webhook.nextAttemptAt = due
        return webhook
    }

    @Test func pendingWebhookIsSentWhenItIsDue() {
        #expect(outlook().nextAttempt(webhook()) == .now)
        #expect(outlook().nextAttempt(webhook(due: later)) == .scheduled(later))
        #expect(outlook { $0.claimedWebhooks = ["msg_1"] }.nextAttempt(webhook()) == .inFlight)
    }

    @Test(arguments: [WebhookState.delivered, .dead, .superseded]) func otherWebhookIsNotSent(state: WebhookState) {
        #expect(outlook { $0.isServed = false }.nextAttempt(webhook(state)) == .none)
    }

    @Test func endpointURLAndDaemonHoldWebhooks() {
        #expect(
            holder(outlook { $0.endpoints = ["https://shop.example:443": breaker] }.nextAttempt(webhook()))
                == "endpoint"
        )
        let disabled = outlook { $0.disabledURLs = ["https://shop.example/token": "HTTP 410"] }.nextAttempt(webhook())
        #expect(holder(disabled) == "URL")
        #expect(holder(outlook { $0.isServed = false }.nextAttempt(webhook())) == "daemon")
    }
}
