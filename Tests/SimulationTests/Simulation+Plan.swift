import RefundCore

/// The step at which a daemon crashes.
enum CrashPlan: CaseIterable {
    /// Whatever it is doing.
    case atOnce
    /// A transaction is committed, and nothing that it decided is sent.
    case afterCommit
    /// A result has arrived and is not stored.
    case afterArrival
}

extension Simulation {
    /// Queues what does not follow from anything else.
    func plan() {
        queue.add(at: clock.time) { try self.start() }
        planRefunds()
        for _ in 0..<scenario.crashes {
            queue.add(at: randomTime()) { [plan = random.pick(CrashPlan.allCases)] in
                self.crash = plan
                if plan == .atOnce { try self.kill() }
            }
        }
        for _ in 0..<scenario.drains { queue.add(at: randomTime()) { try self.drain() } }
        for _ in 0..<scenario.reloads {
            queue.add(at: randomTime()) { try self.reload(self.anotherConfiguration()) }
        }
        planFaults()
        planPauses()
        repeatedly(every: .hours(3)) { try self.checkContinuousInvariants() }
        repeatedly(every: .hours(17)) { try self.letOperatorWork() }
        queue.add(at: scenario.end) { try self.endFaults() }
    }

    private func planRefunds() {
        var time = VirtualClock.start
        for _ in 1...scenario.refunds {
            // Some come in bursts.
            if random.chance(0.6) { time = randomTime(0.8) }
            queue.add(at: time) { try self.enqueue() }
        }
    }

    func enqueue() throws {
        note(try application.enqueue(fixture, clock))
        noticeCommit()
    }

    func randomTime(_ part: Double = 1) -> Timestamp {
        VirtualClock.start.advanced(by: scenario.span * random.number(0...part))
    }

    private func repeatedly(every interval: Duration, _ action: @escaping EventQueue.Action) {
        after(interval) {
            guard self.clock.time < self.scenario.end else { return }
            try action()
            self.repeatedly(every: interval, action)
        }
    }

    private func letOperatorWork() throws {
        for command in try simulatedOperator.work(clock) {
            note("\(SimulatedOperator.name): \(command)")
            switch command {
            case .ended: break
            case .queried(let id): pacing.queryWanted(id)
            case .redelivered(let id):
                receivers.redelivered.insert(id)
                pacing.redeliveryWanted(id)
            }
        }
        noticeCommit()
    }

    private func anotherConfiguration() -> SimulatedConfiguration {
        let gateways = random.pick([["default", "second"], ["default"], ["default", "second", "elsewhere"]])
        return SimulatedConfiguration(gateways: gateways, hasSecret: random.chance(0.8), &random)
    }

    /// Everything is healthy from now on.
    private func endFaults() throws {
        note("the faults end")
        (crash, lock) = (nil, nil)
        setClock(ahead: .zero)
        try resumeEverything()
        var configuration = SimulatedConfiguration(gateways: SimulatedConfiguration.gateways, &random)
        configuration.polling = PollingPolicy()
        try reload(configuration)
        let deadline = clock.time.advanced(by: .days(6))
        after(.hours(3)) { try self.endWhenDone(by: deadline) }
    }
}
