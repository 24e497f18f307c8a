import RefundCore
import Testing

struct OutboxCheckTests {
    @Test(arguments: Damage.outbox)
    func whatIsWrongWithAWebhookIsReported(damage: Damage) {
        #expect(damage.problems() == [damage.problem])
    }

    @Test func stateThatFitsTheAttemptsIsNoProblem() {
        var retried = History.settled
        (retried.history.webhooks[1].attempts, retried.history.webhooks[1].recordedAttempts) = (3, 4)
        #expect(retried.problems() == [])

        var delivered = History.settled
        delivered.history.webhooks[1].state = "delivered"
        delivered.history.webhooks[1].nextAttemptAt = nil
        delivered.history.webhooks[1].deliveredAt = 9
        delivered.history.webhooks[1].wasAccepted = true
        #expect(delivered.problems() == [])

        var disabled = History.settled
        disabled.history.webhooks[1].state = "dead"
        disabled.history.webhooks[1].nextAttemptAt = nil
        disabled.history.refund.attention = .undeliverable
        var row = LedgerRow(sequence: 3, at: enqueued, from: "settled", to: "settled", actor: "refundd")
        row.attention = "undeliverable"
        disabled.history.ledger.append(row)
        #expect(disabled.problems() == [], "dead without an attempt")

        var superseded = History.settled
        superseded.history.webhooks[0].state = "dead"
        #expect(superseded.problems() == [], "what ended the refund cleared its attention")
    }

    /// A settled refund whose first webhook, which is superseded, was pruned.
    private static var pruned: History {
        var pruned = History.settled
        pruned.history.webhooks[0].isPruned = true
        pruned.history.webhooks[0].body = []
        pruned.history.webhooks[0].recordedAttempts = 0
        pruned.history.events[0].isPruned = true
        pruned.history.events[0].body = []
        return pruned
    }

    @Test func prunedWebhookNeedsNeitherBodyNorAttempts() {
        var pruned = Self.pruned
        pruned.history.webhooks[0].attempts = 3
        #expect(pruned.problems() == [])
        (pruned.history.webhooks[0].state, pruned.history.webhooks[0].deliveredAt) = ("delivered", 9)
        #expect(pruned.problems() == [])
    }

    static let prunedWrongly = [
        Damage("webhook msg_7 is pruned and pending", of: pruned) { $0.webhooks[0].state = "pending" },
        Damage("webhook msg_7 is pruned and has attempts", of: pruned) { $0.webhooks[0].recordedAttempts = 1 },
        Damage("event 7 is pruned and has a body", of: pruned) { $0.events[0].body = [1] },
        Damage("the body of event 7 was pruned before the refund ended", of: pruned) { $0.refund.state = .processing },
        Damage("row 1 of its ledger has no event refund.processing", of: pruned) { $0.events.removeFirst() },
    ]

    @Test(arguments: prunedWrongly)
    func whatIsWrongWithAPrunedWebhookIsReported(damage: Damage) {
        #expect(damage.problems().contains(damage.problem), "\(damage.problems())")
    }

    @Test func emptyBodyWithoutAMarkIsFound() {
        var emptied = Self.pruned
        emptied.history.events[0].isPruned = false
        emptied.history.webhooks[0].isPruned = false
        #expect(emptied.problems().contains("the body of event 7 was not written by refundd"), "\(emptied.problems())")
    }

    @Test func supersededWebhookMayWaitForItsAttemptOrForARequestedRedelivery() {
        for isInFlight in [true, false] {
            var sound = History.settled
            sound.history.webhooks[0].state = "pending"
            sound.history.webhooks[0].nextAttemptAt = 5
            sound.history.webhooks[0].isInFlight = isInFlight
            sound.history.webhooks[0].isRedelivery = !isInFlight
            #expect(sound.problems() == [])
        }
    }

    @Test func gatewaysEventIsHeldAgainstItsWebhook() {
        let subject = LoggedEvent.Subject(type: "gateway.needs_attention", refundID: nil, sequence: nil, state: nil)
        let event = LoggedEvent(position: 3, at: enqueued, subject: subject, webhookID: "msg_3", body: [7])
        var webhook = OutboxRow(
            id: "msg_3",
            refundID: nil,
            sequence: nil,
            type: "gateway.needs_attention",
            body: [7],
            position: 3,
            url: "https://hooks.example/in",
            endpoint: "hooks.example"
        )
        webhook.nextAttemptAt = 5
        #expect(OutboxCheck(events: [event], webhooks: [webhook]) { _ in "hooks.example" }.problems == [])
        webhook.body = [8]
        #expect(
            OutboxCheck(events: [event], webhooks: [webhook]) { _ in "hooks.example" }.problems == [
                "webhook msg_3 has another body than its event 3"
            ]
        )
    }

    @Test func gatewaysEventIsWrittenAsItsColumnsSay() {
        let incident = GatewayIncident(
            kind: .misconfigured,
            code: "SYS002",
            message: "no",
            isVerified: true,
            since: enqueued
        )
        let subject = LoggedEvent.Subject(type: "gateway.needs_attention", refundID: nil, sequence: nil, state: nil)
        var event = LoggedEvent(
            position: 3,
            at: enqueued,
            subject: subject,
            webhookID: nil,
            body: Array(EventBody.gateway("default", incident).utf8)
        )
        #expect(EventCheck(ofGateway: event).problems == [])
        event.at = enqueued.advanced(by: hour)
        #expect(
            EventCheck(ofGateway: event).problems == [
                "event 3 differs from the ledger, its answer and the refund in since"
            ]
        )
        event.body = [7]
        event.subject.type = "refund.settled"
        #expect(
            EventCheck(ofGateway: event).problems == [
                "the body of event 3 was not written by refundd", "event 3 is refund.settled and names no refund",
            ]
        )
    }

    /// What was in the metadata when the event was written is not kept: the application may have changed it since.
    @Test func metadataMayHaveChangedSince() {
        let deep = String(repeating: #"{"a":"#, count: 64) + "1" + String(repeating: "}", count: 64)
        for metadata in [#"{"cart": "c-9","metadata":null}"#, deep] {
            var sound = History.settled
            let body = String(decoding: sound.history.events[1].body, as: UTF8.self)
                .replacing(#""metadata":null"#, with: #""metadata":"# + metadata)
            sound.history.events[1].body = Array(body.utf8)
            sound.history.webhooks[1].body = Array(body.utf8)
            #expect(sound.problems() == [])
            sound.history.refund.metadata = "{}"
            #expect(sound.problems() == [])
        }
    }
}

extension Damage {
    static let outbox = [
        Damage("event 8 has no webhook msg_8") { $0.webhooks.removeLast() },
        Damage("webhook msg_8 belongs to no event") { $0.events[1].webhookID = nil },
        Damage("webhook msg_8 has another body than its event 8") { $0.webhooks[1].body = [9] },
        Damage("webhook msg_8 has endpoint other.example, but its url has another") {
            $0.webhooks[1].endpoint = "other.example"
        },
        Damage("webhook msg_8 is dead, but the refund has no attention") {
            ($0.webhooks[1].state, $0.webhooks[1].nextAttemptAt) = ("dead", nil)
        },
        Damage("webhook msg_7 is dead, but the refund has no attention", of: .processing) {
            ($0.webhooks[0].state, $0.webhooks[0].nextAttemptAt) = ("dead", nil)
        },
        Damage("webhook msg_8 is about something else than its event 8") { $0.webhooks[1].type = "refund.failed" },
        Damage("webhook msg_8 is about something else than its event 8") { $0.webhooks[1].sequence = 1 },
        Damage("webhook msg_8 is about something else than its event 8") { $0.webhooks[1].refundID = 43 },
        Damage("webhook msg_8 is about something else than its event 8") { $0.webhooks[1].position = 9 },
        Damage("webhook msg_8 is pending and has no next attempt") { $0.webhooks[1].nextAttemptAt = nil },
        Damage("webhook msg_7 is pending, but a newer event supersedes it") {
            $0.webhooks[0].state = "pending"
            $0.webhooks[0].nextAttemptAt = 5
        },
        Damage("webhook msg_8 has 2 attempts, but 1 are recorded") {
            $0.webhooks[1].attempts = 2
            $0.webhooks[1].recordedAttempts = 1
        },
        Damage("webhook msg_8 is delivered without a time") {
            ($0.webhooks[1].state, $0.webhooks[1].wasAccepted, $0.webhooks[1].nextAttemptAt) = ("delivered", true, nil)
        },
        Damage("webhook msg_8 is delivered without an attempt that succeeded") {
            ($0.webhooks[1].state, $0.webhooks[1].deliveredAt, $0.webhooks[1].nextAttemptAt) = ("delivered", 9, nil)
        },
        Damage("webhook msg_8 is delivered and has a next attempt") {
            ($0.webhooks[1].state, $0.webhooks[1].deliveredAt, $0.webhooks[1].wasAccepted) = ("delivered", 9, true)
        },
        Damage("webhook msg_7 is dead and has a next attempt", of: .dead) { $0.webhooks[0].nextAttemptAt = 5 },
        Damage("webhook msg_8 is superseded, but not by a newer event") {
            $0.webhooks[1].state = "superseded"
        },
        Damage("webhook msg_8 is superseded, but not by a newer event", of: .mismatched) {
            // What follows a call for attention supersedes it only where it has a webhook itself.
            $0.webhooks[1].state = "superseded"
        },
        Damage("webhook msg_8 has the unknown state lost") { $0.webhooks[1].state = "lost" },
    ]
}
