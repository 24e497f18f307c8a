import RefundCore
import RefundPayCloud
import RefundSimulator
import Testing

struct ScenarioFileTests {
    @Test
    func fileDescribesScenarios() throws {
        let book = try ScenarioBook(
            text: """
                sign_early_errors = true
                [default]
                settles_after_queries = 3
                currency = "EUR"
                [orders."R-1001"]
                fails_after_queries = 1
                error_code = "TS-1"
                error_message = "no"
                amount = "12.50"
                [orders."R-1002"]
                unknown_for = "10s"
                fault = "http_503"
                fault_for_queries = 2
                retry_after = "30s"
                [prefixes."SLOW-"]
                settles_after = "30s"
                status_while_open = 9
                data_form = "object"
                latency = "20ms"
                trans_no = "4112"
                [mix]
                seed = 7
                entries = [ { weight = 70, cancelled_after = "2s" }, { weight = 1, never = true } ]
                """,
            file: "scenarios.toml"
        )
        let base = changed {
            $0.endsAt = .query(3)
            $0.currency = "EUR"
        }
        func based(_ change: (inout Scenario) -> Void) -> Scenario {
            var scenario = base
            change(&scenario)
            return scenario
        }
        var expected = ScenarioBook()
        expected.signsEarlyErrors = true
        expected.standard = base
        expected.orders = [
            "R-1001": based {
                $0.ending = .failed(code: "TS-1", message: "no")
                $0.endsAt = .query(1)
                $0.amount = "12.50"
            },
            "R-1002": based {
                $0.knownFrom = .elapsed(.seconds(10))
                $0.fault = .http503
                $0.faultForQueries = 2
                $0.retryAfter = .seconds(30)
            },
        ]
        expected.prefixes = [
            "SLOW-": based {
                $0.endsAt = .elapsed(.seconds(30))
                $0.statusWhileOpen = .created
                $0.dataForm = .object
                $0.latency = .milliseconds(20)
                $0.transNo = "4112"
            }
        ]
        expected.mix = [
            ScenarioBook.Share(
                weight: 70,
                scenario: based {
                    $0.ending = .cancelled
                    $0.endsAt = .elapsed(.seconds(2))
                }
            ),
            ScenarioBook.Share(weight: 1, scenario: based { $0.endsAt = .never }),
        ]
        expected.seed = 7
        #expect(book == expected)
    }

    @Test
    func emptyFileChangesNothing() throws {
        #expect(try ScenarioBook(text: "", file: "f") == ScenarioBook())
    }

    @Test(arguments: Fault.allCases)
    func everyFaultHasItsOwnName(fault: Fault) throws {
        let book = try ScenarioBook(text: "[default]\nfault = \"\(fault.rawValue)\"", file: "f")
        #expect(book.standard.fault == fault)
    }

    @Test
    func overriddenFaultDoesNotKeepTheDefaultsCount() throws {
        let text = """
            [default]
            fault = "http_429"
            fault_for_queries = 2
            retry_after = "5s"
            [orders.A]
            fault = "close"
            [orders.B]
            unknown = false
            """
        let book = try ScenarioBook(text: text, file: "f")
        #expect(book.orders["A"]?.faultForQueries == nil)
        #expect(book.orders["A"]?.retryAfter == nil)
        #expect(book.orders["B"]?.faultForQueries == 2)
        #expect(book.orders["B"]?.retryAfter == .seconds(5))
    }

    @Test(arguments: [
        ("oops = 1", "oops", "no such key"),
        ("sign_early_errors = 1", "sign_early_errors", "true or false"),
        ("default = 1", "default", "must be a table"),
        ("[default]\nsettle = 1", "default.settle", "no such key"),
        ("[default]\nsettles_after_queries = 0", "default.settles_after_queries", "from 1 to"),
        ("[default]\nsettles_after_queries = \"2\"", "default.settles_after_queries", "whole number"),
        ("[default]\nsettles_after = 5", "default.settles_after", "quotation marks"),
        ("[default]\nsettles_after = \"5 s\"", "default.settles_after", "duration"),
        ("[default]\nsettles_after = \"1s\"\nnever = true", "default.never", "contradicts settles_after"),
        ("[default]\nunknown = true\nunknown_for = \"1s\"", "default.unknown", "contradicts unknown_for"),
        ("[default]\nerror_code = \"X\"", "default.error_code", "fails_after"),
        ("[default]\namount = 5", "default.amount", "quotation marks"),
        ("[default]\namount = \"-5\"", "default.amount", "decimal"),
        ("[default]\ncurrency = \"yen\"", "default.currency", "capital letters"),
        ("[default]\ntrans_no = \"a b\"", "default.trans_no", "A-Z"),
        ("[default]\nstatus_while_open = 2", "default.status_while_open", "0 or 9"),
        ("[default]\ndata_form = \"xml\"", "default.data_form", "text, object"),
        ("[default]\nfault = \"sleepy\"", "default.fault", "wrong_signature"),
        ("[default]\nfault_for_queries = 1", "default.fault_for_queries", "needs a fault"),
        ("[default]\nretry_after = \"5s\"", "default.retry_after", "needs the fault"),
        ("[default]\nfault = \"html\"\nretry_after = \"5s\"", "default.retry_after", "needs the fault"),
        ("[default]\nlatency = \"4000d\"", "default.latency", "duration"),
        ("[orders.\"R 1\"]", "orders.\"R 1\"", "is not a refund's number"),
        ("[orders]\nR1 = 1", "orders.\"R1\"", "must be a table"),
        ("[orders.\"R-1\"]\namount = \"x\"", "orders.\"R-1\".amount", "decimal"),
        ("[prefixes.\"\"]", "prefixes.\"\"", "is not a refund's number"),
        ("[mix]", "mix.entries", "at least one"),
        ("[mix]\nentries = [1]", "mix.entries[0]", "must be a table"),
        ("[mix]\nentries = [{ never = true }]", "mix.entries[0].weight", "is missing"),
        ("[mix]\nentries = [{ weight = 0 }]", "mix.entries[0].weight", "from 1 to"),
        ("[mix]\nseed = -1\nentries = [{ weight = 1 }]", "mix.seed", "from 0 to"),
    ])
    func mistakeIsReportedWithFileAndKey(text: String, key: String, problem: String) throws {
        let error = #expect(throws: ScenarioFileError.self) { try ScenarioBook(text: text, file: "my.toml") }
        #expect(error?.file == "my.toml")
        #expect(error?.key == key)
        #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
    }

    @Test
    func mistakeInTheNotationIsReportedWithItsLine() {
        let error = #expect(throws: ScenarioFileError.self) { try ScenarioBook(text: "\n[default", file: "my.toml") }
        #expect(error?.description.hasPrefix("my.toml: line 2") == true, "\(error?.description ?? "")")
    }

    @Test
    func missingFileIsReported() {
        let error = #expect(throws: ScenarioFileError.self) { try ScenarioBook(path: "/nonexistent/s.toml") }
        #expect(error?.description == "/nonexistent/s.toml: cannot open the file: No such file or directory")
    }
}
