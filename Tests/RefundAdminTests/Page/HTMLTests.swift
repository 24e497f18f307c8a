import RefundCore
import RefundStore
import Testing

@testable import RefundAdmin

struct HTMLTests {
    @Test(arguments: [
        ("plain", "plain"), ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        (#"" onload="x"#, "&quot; onload=&quot;x"), ("'&amp;'", "&#39;&amp;amp;&#39;"),
        ("返金 é", "返金 é"),
        ("\u{202e}gnp.exe", "\\u{202e}gnp.exe"), ("a\u{0}b\u{1b}[2J\r\n", "a\\u{0}b\\u{1b}[2J\\r\\n"),
        ("-->]]><!--", "--&gt;]]&gt;&lt;!--"),
    ])
    func textStaysText(text: String, shown: String) {
        #expect(HTML { $0.text(text) }.source == shown)
        #expect(
            HTML { $0.tag("p", ["title": text], text) }.source == "<p title=\"\(shown)\">\(shown)</p>"
        )
        #expect(HTML { $0.void("input", ["value": text]) }.source == "<input value=\"\(shown)\" />")
    }

    @Test(arguments: [
        (0, "0 s"), (59, "59 s"), (60, "1 min"), (3_600, "1 h"), (3_660, "1 h 1 min"),
        (90_000, "1 d 1 h"),
        (86_400 * 12 + 3_600, "12 d"), (-5, "0 s"),
    ])
    func ageIsShownInTwoUnits(seconds: Int, shown: String) {
        #expect(Duration.seconds(seconds).inWords == shown)
    }

    @Test func percentilesAreThoseOfTheNearestRank() throws {
        let times = try #require(SettleTimes((1...100).reversed().map { .seconds($0) }))
        #expect(times.median == .seconds(50))
        #expect(times.p90 == .seconds(90))
        #expect(times.p99 == .seconds(99))
        #expect(SettleTimes([.seconds(3)])?.p99 == .seconds(3))
        #expect(SettleTimes([]) == nil)
    }

    @Test func styleSheetLoadsNothing() {
        #expect(!pageStyle.contains("url(") && !pageStyle.contains("@import"))
    }
}
