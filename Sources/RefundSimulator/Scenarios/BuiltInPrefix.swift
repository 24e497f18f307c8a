/// The scenarios that an order number selects by itself, without a scenario file.
///
/// | number | scenario |
/// | --- | --- |
/// | `OK-…` | settles at the first query |
/// | `OK3-…`, `OK5S-…` | settles at the third query, or 5 seconds after the first |
/// | `FAIL-…`, `FAIL3-…`, `FAIL5S-…` | fails in the same way, with `TS-D2012` |
/// | `CANCEL-…`, `CANCEL3-…`, `CANCEL5S-…` | is cancelled in the same way |
/// | `LATE-…`, `LATE3-…`, `LATE5S-…` | unknown for the first 2 or 3 queries, or 5 seconds, then settles |
/// | `UNKNOWN-…` | stays unknown |
/// | `NEVER-…` | stays in progress |
/// | `MISMATCH-…` | settles at the first query with the amount 999 |
/// | `BADSIGN-…` | settles at the first query, with wrong signatures |
/// | `UNSIGNED-…` | settles at the first query, without signatures |
/// | `HTTP429-…` | HTTP status 429 for every query |
/// | `HTTP503-…` | HTTP status 503 for every query |
package enum BuiltInPrefix: Sendable {
    /// The prefixes as text for the command's help.
    package static let help = """
        Order numbers that begin like this need no scenario file; n is a number:
          OK-, OKn-, OKnS-        settles at query 1, at query n, or after n seconds
          FAIL-, FAILn-, FAILnS-  fails in the same way, with TS-D2012
          CANCEL- and so on       is cancelled in the same way
          LATE-, LATEn-, LATEnS-  unknown (E04111) for 2 or n queries or n seconds,
                                  then settles
          UNKNOWN-                stays unknown (E04111)
          NEVER-                  stays in progress
          MISMATCH-               settles with the amount 999
          BADSIGN-, UNSIGNED-     settles, with a wrong signature or none
          HTTP429-, HTTP503-      HTTP status 429 or 503
        Every other number settles at the second query unless the scenario file says
        otherwise. The amount is 1200 JPY, or what the number ends with:
          R-1001@JPY1200, OK-7@USD12_50
        """

    /// The scenario that a refund's number selects.
    ///
    /// - Parameters:
    ///   - number: The order number or `trans_no`.
    ///   - base: The scenario for everything that the prefix leaves open, such as the currency.
    /// - Returns: Nil if the number has none of the prefixes.
    package static func scenario(for number: String, base: Scenario) -> Scenario? {
        guard let dash = number.firstIndex(of: "-") else { return nil }
        let prefix = number[..<dash]
        if let scenario = plain(prefix, base: base) { return scenario }

        let word = prefix.prefix { !$0.isNumber }
        guard let parameter = Parameter(prefix.dropFirst(word.count)) else { return nil }
        switch word {
        case "OK": return base.replacing(ending: .settled, at: parameter.moment)
        case "FAIL": return base.replacing(ending: Scenario.defaultFailure, at: parameter.moment)
        case "CANCEL": return base.replacing(ending: .cancelled, at: parameter.moment)
        case "LATE": return base.replacing(ending: .settled, at: .query(1), knownFrom: parameter.momentAfter)
        default: return nil
        }
    }

    private static func plain(_ prefix: Substring, base: Scenario) -> Scenario? {
        var scenario = base.replacing(ending: .settled, at: .query(1))
        switch prefix {
        case "UNKNOWN": scenario.knownFrom = .never
        case "NEVER": scenario.endsAt = .never
        case "MISMATCH": scenario.amount = "999"
        case "BADSIGN": scenario.setLastingFault(.wrongSignature)
        case "UNSIGNED": scenario.setLastingFault(.unsigned)
        case "HTTP429": scenario.setLastingFault(.http429)
        case "HTTP503": scenario.setLastingFault(.http503)
        default: return nil
        }
        return scenario
    }

    /// What is between the word and the dash: nothing, `3` or `5S`.
    private enum Parameter {
        case none
        case queries(Int)
        case seconds(Int)

        init?(_ text: Substring) {
            if text.isEmpty {
                self = .none
                return
            }
            let isTime = text.hasSuffix("S")
            let digits = isTime ? text.dropLast() : text
            // A longer number is not meant as a parameter.
            guard digits.utf8.count <= 6, let number = UInt32(digits), !digits.hasPrefix("+") else { return nil }
            self = isTime ? .seconds(Int(number)) : .queries(Int(number))
        }

        /// The moment that the parameter denotes.
        var moment: Moment {
            switch self {
            case .none: .query(1)
            case .queries(let number): .query(number)
            case .seconds(let number): .elapsed(.seconds(number))
            }
        }

        /// The moment after the time or the queries that the parameter denotes.
        var momentAfter: Moment {
            switch self {
            case .none: .query(3)
            case .queries(let number): .query(number + 1)
            case .seconds: moment
            }
        }
    }
}

extension Scenario {
    fileprivate func replacing(ending: Ending, at endsAt: Moment, knownFrom: Moment = .query(1)) -> Scenario {
        var scenario = self
        scenario.ending = ending
        scenario.endsAt = endsAt
        scenario.knownFrom = knownFrom
        return scenario
    }

    fileprivate mutating func setLastingFault(_ fault: Fault) {
        self.fault = fault
        faultForQueries = nil
    }
}
