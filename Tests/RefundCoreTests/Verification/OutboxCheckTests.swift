import RefundCore
import Testing

struct OutboxCheckTests {
    @Test(arguments: Damage.outbox)
    func whatIsWrongWithAWebhookIsSaid(damage: Damage) {
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
        delivered.history.webhooks[1].wasTaken = true
        #expect(delivered.problems() == [])

        var disabled = History.settled
        disabled.history.webhooks[1].state = "dead"
        disabled.history.webhooks[1].nextAttemptAt = nil
        #expect(disabled.problems() == [], "dead without an attempt")
    }

    @Test func overtakenWebhookMayWaitForItsAttemptOrByAPersonsWord() {
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
        let event = LoggedEvent(position: 3, subject: subject, told: subject, webhookID: "msg_3", body: [7])
        var webhook = OutboxRow(
            id: "msg_3",
            refundID: nil,
            sequence: nil,
            type: "gateway.needs_attention",
            body: [7],
            position: 3
        )
        webhook.nextAttemptAt = 5
        #expect(OutboxCheck(events: [event], webhooks: [webhook]).problems == [])
        webhook.body = [8]
        #expect(
            OutboxCheck(events: [event], webhooks: [webhook]).problems == [
                "webhook msg_3 has another body than its event 3"
            ]
        )
    }
}

extension Damage {
    static let outbox = [
        Damage("event 8 has no webhook msg_8") { $0.webhooks.removeLast() },
        Damage("webhook msg_8 belongs to no event") { $0.events[1].webhookID = nil },
        Damage("webhook msg_8 has another body than its event 8") { $0.webhooks[1].body = [9] },
        Damage("webhook msg_8 tells of something else than its event 8") { $0.webhooks[1].type = "refund.failed" },
        Damage("webhook msg_8 tells of something else than its event 8") { $0.webhooks[1].sequence = 1 },
        Damage("webhook msg_8 tells of something else than its event 8") { $0.webhooks[1].refundID = 43 },
        Damage("webhook msg_8 tells of something else than its event 8") { $0.webhooks[1].position = 9 },
        Damage("webhook msg_8 is pending and has no next attempt") { $0.webhooks[1].nextAttemptAt = nil },
        Damage("webhook msg_7 is pending although a newer event has overtaken it") {
            $0.webhooks[0].state = "pending"
            $0.webhooks[0].nextAttemptAt = 5
        },
        Damage("webhook msg_8 counts 2 attempts, recorded are 1") {
            $0.webhooks[1].attempts = 2
            $0.webhooks[1].recordedAttempts = 1
        },
        Damage("webhook msg_8 is delivered and does not say when") {
            ($0.webhooks[1].state, $0.webhooks[1].wasTaken, $0.webhooks[1].nextAttemptAt) = ("delivered", true, nil)
        },
        Damage("webhook msg_8 is delivered without an attempt that succeeded") {
            ($0.webhooks[1].state, $0.webhooks[1].deliveredAt, $0.webhooks[1].nextAttemptAt) = ("delivered", 9, nil)
        },
        Damage("webhook msg_8 is delivered and has a next attempt") {
            ($0.webhooks[1].state, $0.webhooks[1].deliveredAt, $0.webhooks[1].wasTaken) = ("delivered", 9, true)
        },
        Damage("webhook msg_8 is dead and has a next attempt") { $0.webhooks[1].state = "dead" },
        Damage("webhook msg_8 is superseded although no newer event has overtaken it") {
            $0.webhooks[1].state = "superseded"
        },
        Damage("webhook msg_8 is superseded although no newer event has overtaken it", of: .mismatched) {
            // What follows a call for attention overtakes it only where it has a webhook itself.
            $0.webhooks[1].state = "superseded"
        },
        Damage("webhook msg_8 has the unknown state lost") { $0.webhooks[1].state = "lost" },
    ]
}
