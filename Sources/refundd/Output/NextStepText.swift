import RefundCore
import RefundDaemon
import RefundStore

extension NextStep {
    /// The step in a table's cell.
    func cell(at now: Timestamp) -> String {
        switch self {
        case .none: ""
        case .inFlight: "in flight"
        case .now: "now"
        case .scheduled(let time): time.wait(from: now)
        case .held(let hold): "held: \(hold.holder)"
        }
    }

    /// The step in a sentence about one row; nil if there is none.
    func sentence(at now: Timestamp) -> String? {
        switch self {
        case .none: nil
        case .inFlight: "in flight now"
        case .now: "now, as soon as the limits allow"
        case .scheduled(let time): time.relative(to: now)
        case .held(let hold): "held back: \(hold.sentence(at: now))"
        }
    }

    /// Writes the step as an object.
    func write(_ name: String, to json: inout JSONWriter) {
        let hold: Hold? = if case .held(let hold) = self { hold } else { nil }
        let time: Timestamp? = if case .scheduled(let time) = self { time } else { nil }
        json.object(name) { json in
            json.string("step", kind)
            json.time("at", time)
            json.string("held_by", hold?.holder)
            json.string("reason", hold?.reason)
            json.time("until", hold?.until)
        }
    }

    private var kind: String {
        switch self {
        case .none: "none"
        case .inFlight: "in_flight"
        case .now: "now"
        case .scheduled: "scheduled"
        case .held: "held"
        }
    }
}

extension Hold {
    /// Why and until when, in words that follow "held back:".
    func sentence(at now: Timestamp) -> String {
        let end = until.map { $0 <= now ? ", next probe now" : ", next probe \($0.relative(to: now))" } ?? ""
        return reason + end
    }
}

extension [NextStep] {
    /// One line per reason for which rows of a table are held back.
    func footnotes(at now: Timestamp) -> [Line] {
        var seen: Set<Hold> = []
        return compactMap { step in
            guard case .held(let hold) = step, seen.insert(hold).inserted else { return nil }
            return Line("held: \(hold.holder): \(hold.sentence(at: now))", .warning)
        }
    }
}
