import RefundCore
import RefundSimulator
import Testing

struct BuiltInPrefixTests {
    @Test(arguments: [
        ("OK-1", settles(at: .query(1))),
        ("OK3-1", settles(at: .query(3))),
        ("OK5S-1", settles(at: .elapsed(.seconds(5)))),
        ("OK0-1", settles(at: .query(0))),
        ("FAIL-1", ends(Scenario.defaultFailure, at: .query(1))),
        ("FAIL2-1", ends(Scenario.defaultFailure, at: .query(2))),
        ("FAIL10S-", ends(Scenario.defaultFailure, at: .elapsed(.seconds(10)))),
        ("CANCEL-x", ends(.cancelled, at: .query(1))),
        ("CANCEL4-x", ends(.cancelled, at: .query(4))),
        ("LATE-1", late(until: .query(3))),
        ("LATE5-1", late(until: .query(6))),
        ("LATE30S-1", late(until: .elapsed(.seconds(30)))),
        ("UNKNOWN-1", late(until: .never)),
        ("NEVER-1", settles(at: .never)),
        (
            "MISMATCH-1",
            changed {
                $0.endsAt = .query(1)
                $0.amount = "999"
            }
        ),
        ("BADSIGN-1", spoilt(.wrongSignature)),
        ("UNSIGNED-1", spoilt(.unsigned)),
        ("HTTP429-1", spoilt(.http429)),
        ("HTTP503-1", spoilt(.http503)),
    ])
    func prefixSelectsAScenario(number: String, scenario: Scenario) {
        #expect(BuiltInPrefix.scenario(for: number, base: Scenario()) == scenario)
    }

    @Test(arguments: [
        "R-1001", "OK", "ok-1", "OKAY-1", "OK3", "OK3T-1", "OKS-1", "OK3S3-1", "OK9999999-1", "OK٣-1", "OK+1-1", "-OK-",
        "HTTP504-1", "UNKNOWN3-1", "",
    ])
    func otherNumbersSelectNothing(number: String) {
        #expect(BuiltInPrefix.scenario(for: number, base: Scenario()) == nil)
    }

    @Test
    func whatThePrefixDoesNotDecideIsTheDefaults() throws {
        let base = changed {
            $0.currency = "EUR"
            $0.knownFrom = .never
            $0.dataForm = .object
        }
        let scenario = try #require(BuiltInPrefix.scenario(for: "OK-1", base: base))
        #expect(scenario.currency == "EUR")
        #expect(scenario.dataForm == .object)
        #expect(scenario.knownFrom == .query(1))
    }

    private static func settles(at moment: Moment) -> Scenario {
        ends(.settled, at: moment)
    }

    private static func ends(_ ending: Scenario.Ending, at moment: Moment) -> Scenario {
        changed {
            $0.ending = ending
            $0.endsAt = moment
        }
    }

    private static func late(until moment: Moment) -> Scenario {
        changed {
            $0.knownFrom = moment
            $0.endsAt = .query(1)
        }
    }

    private static func spoilt(_ fault: Fault) -> Scenario {
        changed {
            $0.endsAt = .query(1)
            $0.fault = fault
        }
    }
}
