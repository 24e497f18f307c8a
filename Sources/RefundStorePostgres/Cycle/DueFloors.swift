import RefundCore
import RefundStore

/// Where the search for each gateway's due refunds begins.
///
/// While somebody keeps a snapshot open, every refund that was queried since leaves a dead entry at the front of the index
/// of due times, and every claim would walk past all of them. So a claim begins a little before the last one. Now and then
/// one begins at the front: a refund that became due there waits no longer than that.
struct DueFloors {
    private static let margin: Int64 = 100
    private static let interval: Duration = .seconds(5)

    private var floors: [String: (due: Int64, since: Timestamp)] = [:]

    /// The least due time to look for, more than zero: new refunds, which are due at zero, are looked for apart.
    func floor(of gateway: String, at now: Timestamp) -> Int64 { current(gateway, at: now)?.due ?? 1 }

    private func current(_ gateway: String, at now: Timestamp) -> (due: Int64, since: Timestamp)? {
        guard let floor = floors[gateway], floor.since <= now, now.duration(since: floor.since) < Self.interval else {
            return nil
        }
        return floor
    }

    /// Lowers the floors of what a cycle has written: a refund may stay due since before the last claim.
    mutating func written(_ writes: [Write]) {
        for action in writes.map(\.action) {
            switch action {
            case .change(let change): lower(change.refund)
            case .poll(let poll): lower(poll.refund)
            case .releaseRefund, .moveDueTimes: floors = [:]
            default: break
            }
        }
    }

    private mutating func lower(_ refund: Refund) {
        guard let floor = floors[refund.gateway], let due = refund.nextQueryAt?.milliseconds, due < floor.due else {
            return
        }
        floors[refund.gateway]?.due = max(due, 1)
    }

    /// Records a committed claim of refunds that were due at these times.
    mutating func claimed(_ dues: [String: Int64], at now: Timestamp) {
        for (gateway, due) in dues {
            floors[gateway] = (max(due - Self.margin, 1), current(gateway, at: now)?.since ?? now)
        }
    }
}
