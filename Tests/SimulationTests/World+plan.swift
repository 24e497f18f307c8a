import RefundCore

@testable import RefundDaemon

/// At which step a daemon is killed.
enum Doom: CaseIterable {
    /// Whatever it is doing.
    case atOnce
    /// A transaction is committed, and nothing of it is sent yet.
    case afterCommit
    /// Something came back and is not written yet.
    case afterArrival
}

extension World {
    /// Enters into the agenda what does not follow from anything else.
    func plan() {
        agenda.add(at: clock.time) { try self.start() }
        planRefunds()
        for _ in 0..<scenario.kills {
            agenda.add(at: randomTime()) { [doom = random.pick(Doom.allCases)] in
                self.doom = doom
                if doom == .atOnce { try self.kill() }
            }
        }
        for _ in 0..<scenario.drains { agenda.add(at: randomTime()) { try self.drain() } }
        for _ in 0..<scenario.reloads { agenda.add(at: randomTime()) { try self.reload(self.anotherSetup()) } }
        for _ in 0..<scenario.clockSettings {
            let offset = random.pick([Duration.hours(1), .hours(-1), .minutes(10), .minutes(-10)])
            let time = randomTime()
            agenda.add(at: time) { self.setClock(ahead: offset) }
            agenda.add(at: time.advanced(by: random.duration(.minutes(1), .hours(5)))) { self.setClock(ahead: .zero) }
        }
        repeatedly(every: .hours(3)) { try self.patrol() }
        repeatedly(every: .hours(17)) { try self.letThePersonLook() }
        agenda.add(at: scenario.end) { try self.clearUp() }
    }

    private func planRefunds() {
        var time = VirtualClock.start
        for number in 1...scenario.refunds {
            // Some come in bursts.
            if random.chance(0.6) { time = randomTime(0.8) }
            agenda.add(at: time) {
                self.note(try self.shop.refund(number: number, self.database, self.clock))
                self.noticeCommit()
            }
        }
    }

    private func randomTime(_ part: Double = 1) -> Timestamp {
        VirtualClock.start.advanced(by: scenario.span * random.number(0...part))
    }

    private func repeatedly(every interval: Duration, _ happening: @escaping Agenda.Happening) {
        after(interval) {
            guard self.clock.time < self.scenario.end else { return }
            try happening()
            self.repeatedly(every: interval, happening)
        }
    }

    private func letThePersonLook() throws {
        for deed in try person.look(at: database, scenario, clock) {
            note("\(Person.name): \(deed)")
            switch deed {
            case .ended: break
            case .queried(let id): pace.queryWanted(id)
            case .redelivered(let id):
                mailroom.redelivered.insert(id)
                pace.redeliveryWanted(id)
            }
        }
        noticeCommit()
    }

    private func setClock(ahead offset: Duration) {
        note("the clock is set \(offset) ahead")
        clock.set(ahead: offset)
        pace.clockWasSet()
        guard let daemon else { return }
        // The daemon's timer is never armed for longer.
        wake(daemon, at: clock.time.advanced(by: .milliseconds(random.integer(0...30_000))))
    }

    private func anotherSetup() -> Setup {
        let gateways = random.pick([["default", "second"], ["default"], ["default", "second", "elsewhere"]])
        return Setup(gateways: gateways, hasSecret: random.chance(0.8), &random)
    }

    /// Everything is well from now on.
    private func clearUp() throws {
        note("everything clears up")
        doom = nil
        setClock(ahead: .zero)
        var setup = Setup(gateways: Setup.gateways, &random)
        setup.polling = PollingPolicy()
        try reload(setup)
        let deadline = clock.time.advanced(by: .days(6))
        after(.hours(3)) { try self.endWhenDone(by: deadline) }
    }
}
