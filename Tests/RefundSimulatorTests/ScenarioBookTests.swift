import RefundSimulator
import Testing

struct ScenarioBookTests {
    @Test
    func exactNumberGoesBeforeLongestPrefixBeforeBuiltInBeforeMixBeforeDefault() {
        var book = ScenarioBook()
        book.standard = changed { $0.amount = "1" }
        #expect(book.scenario(for: "R-1").amount == "1")

        book.mix = [ScenarioBook.Share(weight: 1, scenario: changed { $0.amount = "2" })]
        #expect(book.scenario(for: "R-1").amount == "2")
        #expect(book.scenario(for: "OK-1").amount == "1")

        book.prefixes = ["O": changed { $0.amount = "3" }, "OK-": changed { $0.amount = "4" }]
        #expect(book.scenario(for: "OK-1").amount == "4")
        #expect(book.scenario(for: "OK2-1").amount == "3")

        book.orders = ["OK-1": changed { $0.amount = "5" }]
        #expect(book.scenario(for: "OK-1").amount == "5")
        #expect(book.scenario(for: "OK-11").amount == "4")
    }

    @Test(arguments: [
        ("R-1001@JPY1200", "1200 JPY"), ("R-1001@JPY500", "500 JPY"), ("R-1001@USD12_50", "12.50 USD"),
        ("OK3-1@EUR0_01", "0.01 EUR"), ("P-1@USD7", "7 USD"), ("a@b@USD7", "7 USD"), ("MISMATCH-1@USD7", "999 USD"),
        ("EXACT@USD7", "5 JPY"), ("R-1001", "1200 JPY"), ("R-1001-USD7", "1200 JPY"), ("R@usd7", "1200 JPY"),
        ("R@US7", "1200 JPY"), ("R@USD", "1200 JPY"), ("R@USD_5", "1200 JPY"), ("R@USD5_", "1200 JPY"),
        ("R@USD1_2_3", "1200 JPY"), ("R@USD-5", "1200 JPY"), ("@", "1200 JPY"), ("", "1200 JPY"),
    ])
    func amountIsWhatTheNumberEncodesOrTheDefault(number: String, amount: String) {
        var book = ScenarioBook()
        book.prefixes = ["P-": changed { $0.amount = "3" }]
        book.orders = ["EXACT@USD7": changed { $0.amount = "5" }]
        let scenario = book.scenario(for: number)
        #expect("\(scenario.amount) \(scenario.currency)" == amount)
    }

    @Test(arguments: [0, 7, UInt64.max])
    func mixHitsItsWeights(seed: UInt64) {
        let weights = [70, 20, 7, 2, 1]
        var book = ScenarioBook()
        book.seed = seed
        book.mix = weights.map { weight in
            ScenarioBook.Share(weight: weight, scenario: changed { $0.amount = "\(weight)" })
        }
        var counts: [String: Int] = [:]
        for number in 0..<10_000 { counts[book.scenario(for: "R-\(number)").amount, default: 0] += 1 }
        for weight in weights {
            // Four standard deviations of a binomial distribution.
            let share = Double(weight) / 100
            let tolerance = 4 * (10_000 * share * (1 - share)).squareRoot()
            let count = Double(counts["\(weight)"] ?? 0)
            #expect(abs(count - 10_000 * share) <= tolerance, "weight \(weight) was drawn \(count) times")
        }
    }

    @Test
    func mixDrawsTheSameForASeedAndDifferentlyForAnother() {
        func draws(seed: UInt64) -> [String] {
            var book = ScenarioBook()
            book.seed = seed
            book.mix = (1...10).map { number in
                ScenarioBook.Share(weight: 1, scenario: changed { $0.amount = "\(number)" })
            }
            return (0..<100).map { book.scenario(for: "R-\($0)").amount }
        }
        #expect(draws(seed: 7) == draws(seed: 7))
        #expect(draws(seed: 7) != draws(seed: 8))
        // Fixed, so that a change of the hash, and with it of everybody's recorded runs, is noticed.
        #expect(draws(seed: 7).prefix(8) == ["2", "9", "3", "4", "2", "7", "7", "9"])
    }
}
