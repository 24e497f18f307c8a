package import RefundCore
package import RefundStore
import Testing

extension StoreBehaviour {
    private static let gateway = Peer.gateway("default")
    private static let endpoint = Peer.endpoint("hooks.example")

    static let pauses = [
        StoreBehaviour("nothingIsReadThatIsDueAtAPausedGateway") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            let other = try fixture.enqueue("R-2", ["gateway": "'other'"])
            try fixture.execute("INSERT INTO refund_hints (merchant_order_no) VALUES ('R-1')")
            try daemon.pause(gateway)
            let input = try daemon.claims { $0.gateways["other"] = .init(permits: 100) }
            #expect(input.gateways["default"] == nil)
            #expect(input.gateways["other"]?.new.map(\.refund.id) == [other])
            #expect(input.pauses == [gateway: Pause(since: now, by: "ada", reason: "maintenance")])
            #expect(try fixture.number("SELECT count(*) FROM refund_hints") == 1, "hints wait")
            try daemon.resume(gateway)
            #expect(try daemon.claims().gateways["default"]?.hinted.map(\.refund.refund.id) == [id])
            #expect(try daemon.claims().pauses.isEmpty)
        },
        StoreBehaviour("hintsThatWaitForAPausedGatewayHoldUpNoOthers") { fixture in
            let daemon = Daemon(fixture)
            for number in 1...5 {
                try fixture.enqueue("R-\(number)")
                try fixture.execute("INSERT INTO refund_hints (merchant_order_no) VALUES ('R-\(number)')")
            }
            let other = try fixture.enqueue("R-6", ["gateway": "'other'"])
            try fixture.execute("INSERT INTO refund_hints (merchant_order_no) VALUES ('R-6')")
            try daemon.pause(gateway)
            var (first, hinted): (Int64, [Int64]) = (0, [])
            // Hints are read in turn, three at a time.
            for _ in 1...3 {
                let input = try daemon.claims { claims in
                    claims.batch = 3
                    claims.firstHint = first
                    claims.gateways["other"] = .init(permits: 100)
                }
                hinted += input.gateways["other"]?.hinted.map(\.refund.refund.id) ?? []
                #expect(input.spentHints.isEmpty, "hints wait")
                first = input.nextHint ?? 0
            }
            #expect(hinted == [other])
        },
        StoreBehaviour("webhooksToAPausedEndpointWaitAndKeepTheirRetries") { fixture in
            let daemon = Daemon(fixture)
            try daemon.happen(to: try fixture.enqueue("R-1")) { $0.answered(.settled) }
            try daemon.happen(to: try fixture.enqueue("R-2"), url: "https://a.example/in") { $0.answered(.settled) }
            try daemon.pause(endpoint)
            #expect(try daemon.claim().isEmpty)
            #expect(try daemon.claim("a.example").count == 1)
            try daemon.resume(endpoint)
            #expect(try daemon.claim().map(\.attempts) == [0])
        },
        StoreBehaviour("webhooksToADisabledURLOfAPausedEndpointAreNotGivenUp") { fixture in
            let daemon = Daemon(fixture)
            try daemon.happen(to: try fixture.enqueue("R-1")) { $0.answered(.settled) }
            let health = URLHealth(failingSince: now, lastFailure: now, disabling: .init(at: now, reason: "HTTP 410"))
            try daemon.write(.urlHealth(url: Daemon.defaultURL, health))
            try daemon.pause(endpoint)
            #expect(try daemon.claims().endpoints.isEmpty)
        },
        StoreBehaviour("pausedRefundsStillAge") { fixture in
            let daemon = Daemon(fixture)
            let id = try fixture.enqueue("R-1")
            try daemon.pause(gateway)
            #expect(try daemon.claims { $0.overdueSince = now }.overdue.map(\.refund.id) == [id])
        },
        StoreBehaviour("pauseIsRecordedOnce") { fixture in
            let daemon = Daemon(fixture)
            #expect(try daemon.pause(gateway) == nil)
            let current = Pause(since: now, by: "ada", reason: "maintenance")
            #expect(try daemon.pause(gateway, at: later(1)) == current, "the first one stays in force")
            #expect(try daemon.resume(endpoint) == nil)
            #expect(try daemon.resume(gateway) == current)
            #expect(try daemon.resume(gateway) == nil)
            #expect(try daemon.pause(gateway, at: later(3)) == nil)
            let paused = try daemon.store.read { tx throws(StoreError) in try tx.pauses() }
            #expect(paused.mapValues(\.since) == [gateway: later(3)])
            let actions = try fixture.rows("SELECT actor, action FROM refund_actions ORDER BY id")
            let actor: String? = "ada"
            #expect(
                actions == [
                    [actor, "pause gateway default"], [actor, "resume gateway default"],
                    [actor, "pause gateway default"],
                ]
            )
        },
        StoreBehaviour("pausedWorkIsNoLag") { fixture in
            let daemon = Daemon(fixture)
            try fixture.enqueue("R-1")
            func status() throws -> QueueStatus {
                try daemon.store.read { tx throws(StoreError) in try tx.status(at: later(600)) }
            }
            #expect(try status().dueLag >= .seconds(600))
            try daemon.pause(gateway)
            let paused = try status()
            #expect(paused.dueLag == .zero)
            #expect(paused.dueLags == ["default": .zero])
            #expect(paused.pauses.keys.sorted() == [gateway])
            #expect(paused.oldestByGateway["default"] != nil, "its age is shown all the same")
        },
        StoreBehaviour("pauseOutlivesTheConfigurationOfItsGateway") { fixture in
            let daemon = Daemon(fixture)
            try daemon.pause(gateway)
            try daemon.store.write { tx throws(StoreError) in try tx.forgetGateways(except: []) }
            #expect(try daemon.store.read { tx throws(StoreError) in try tx.pauses() }.count == 1)
        },
    ]
}

extension Daemon {
    @discardableResult
    package func pause(_ peer: Peer, at time: Timestamp = now) throws -> Pause? {
        try store.write { tx throws(StoreError) in
            try tx.pause(peer, Pause(since: time, by: "ada", reason: "maintenance"))
        }
    }

    @discardableResult
    package func resume(_ peer: Peer) throws -> Pause? {
        try store.write { tx throws(StoreError) in try tx.resume(peer, by: "ada", at: later(2)) }
    }
}
