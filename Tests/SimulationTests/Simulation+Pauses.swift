import RefundCore
import RefundStore
import RefundStoreConformance

/// What operators have paused, and when they resumed it.
struct SimulatedPauses {
    private(set) var current: Set<Peer> = []
    private var ended: [Peer: Timestamp] = [:]

    func isPaused(_ peer: Peer) -> Bool { current.contains(peer) }

    /// Since when no pause has held up a peer, or nil while one does.
    func freeSince(_ peer: Peer) -> Timestamp? {
        current.contains(peer) ? nil : ended[peer] ?? VirtualClock.start
    }

    mutating func began(_ peer: Peer) { current.insert(peer) }

    mutating func ended(_ peer: Peer, at time: Timestamp) {
        current.remove(peer)
        ended[peer] = time
    }
}

// Operators pause gateways and endpoints and resume them, whether or not the daemon runs.
extension Simulation {
    func planPauses() {
        let peers =
            SimulatedConfiguration.gateways.map(Peer.gateway)
            + receivers.receivers.keys.sorted().map { Peer.endpoint("https://\($0):443") }
        for _ in 0..<scenario.pauses {
            let (peer, longest) = (random.pick(peers), random.pick([Duration.minutes(20), .hours(9), .days(3)]))
            let (time, length) = (randomTime(0.95), random.duration(.seconds(1), longest))
            queue.add(at: time) { try self.pause(peer) }
            queue.add(at: time.advanced(by: length)) { try self.resume(peer) }
        }
    }

    private func pause(_ peer: Peer) throws {
        let pause = Pause(since: clock.wall, by: SimulatedOperator.name)
        let known = try fixture.store.write { tx throws(StoreError) in try tx.pause(peer, pause) }
        try require((known != nil) == pauses.isPaused(peer), "a pause of \(peer) was lost, or outlived its end")
        guard known == nil else { return }
        note("\(peer) is paused")
        summary.pauses += 1
        pauses.began(peer)
        noticeCommit()
    }

    private func resume(_ peer: Peer) throws {
        let known = try fixture.store.write { tx throws(StoreError) in
            try tx.resume(peer, by: SimulatedOperator.name, at: clock.wall)
        }
        try require((known != nil) == pauses.isPaused(peer), "a pause of \(peer) was lost, or outlived its end")
        guard known != nil else { return }
        note("\(peer) is resumed")
        noteResumed(peer)
        noticeCommit()
    }

    func resumeEverything() throws {
        for peer in pauses.current.sorted() { try resume(peer) }
    }

    /// The application restored a copy, in which other pauses are in force.
    func restorePauses(_ saved: Set<Peer>) {
        for peer in pauses.current.subtracting(saved).sorted() { noteResumed(peer) }
        for peer in saved { pauses.began(peer) }
    }

    private func noteResumed(_ peer: Peer) {
        pauses.ended(peer, at: clock.time)
        if case .gateway(let name) = peer { pacing.gatewayResumed(name) }
    }
}
