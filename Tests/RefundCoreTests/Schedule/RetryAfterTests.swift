import RefundCore
import Testing

struct RetryAfterTests {
    /// 1999-12-31 23:59:59 UTC, the example of RFC 9110, section 10.2.3.
    static let example = Timestamp(milliseconds: 946_684_799_000)
    private let now = example.advanced(by: .seconds(-120))

    @Test(arguments: [("0", 0), ("1", 1), ("120", 120), ("00120", 120), ("31536000", 31_536_000)])
    func secondsAreReadAsWritten(text: String, seconds: Int) {
        #expect(RetryAfter.delay(text, at: now) == .seconds(seconds))
    }

    @Test(arguments: [
        "31536001", "9223372036854775807", "9223372036854775808", String(repeating: "9", count: 400),
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ])
    func longerWaitsAreLimitedToAYear(text: String) {
        #expect(RetryAfter.delay(text, at: now) == .seconds(31_536_000))
    }

    @Test func dateIsRelativeToTheResponse() {
        #expect(RetryAfter.delay("Fri, 31 Dec 1999 23:59:59 GMT", at: now) == .seconds(120))
    }

    @Test(arguments: ["Friday, 31-Dec-99 23:59:59 GMT", "Fri Dec 31 23:59:59 1999"])
    func obsoleteDateIsHonoured(text: String) {
        #expect(RetryAfter.delay(text, at: now) == .seconds(120))
    }

    @Test func pastDateMeansNoWait() {
        #expect(RetryAfter.delay("Fri, 31 Dec 1999 23:57:00 GMT", at: now) == .zero)
        #expect(RetryAfter.delay("Thu, 01 Jan 1970 00:00:00 GMT", at: now) == .zero)
    }

    @Test(arguments: [Timestamp(milliseconds: .max), Timestamp(milliseconds: .min)])
    func extremeClockDoesNotTrap(now: Timestamp) {
        let delay = RetryAfter.delay("Fri, 31 Dec 9999 23:59:59 GMT", at: now)
        #expect(delay.map { $0 >= .zero } == true)
    }

    @Test(arguments: [
        "", " ", "-1", "+1", "1.5", "1e3", "0x10", "1 ", " 1", "1s", "soon", "１２０", "١٢٠",
        "Fri, 31 Dec 1999 23:59:59", "Fri, 31 Dec 1999 23:59:59 UTC", "Fri, 31 Dec 1999 23:59:59 +0000",
        "31 Dec 1999 23:59:59 GMT", "Fri, 32 Dec 1999 23:59:59 GMT", "Fri, 31 Dez 1999 23:59:59 GMT",
        "Fri, 31 dec 1999 23:59:59 GMT", "Fri, 30 Feb 2000 00:00:00 GMT", "Mon, 29 Feb 2100 00:00:00 GMT",
        "Fri, 31 Dec 1999 24:00:00 GMT", "Fri, 31 Dec 1999 23:60:00 GMT", "Fri, 31 Dec 99 23:59:59 GMT  ",
        "Fri, -1 Dec 1999 23:59:59 GMT", "Fri,  1 Dec 1999 23:59:59 GMT", "1999-12-31T23:59:59Z",
        "Fri, 31 Dec 1999 23:59:59 GMTx", "Fri, 31 Dec 1999 ٢٣:59:59 GMT",
        "Friday, 31-Dec-99 23:59:59", "Friday, 31-Dec-99 23:59:59 UTC", "Friday, 31-Dec-1999 23:59:59 GMT",
        "Friday, 31 Dec 99 23:59:59 GMT", "Friday, 31-Dec-99 23:59:59.5 GMT", "Friday, 31-Dec-9x 23:59:59 GMT",
        "Friday, 30-Feb-99 23:59:59 GMT", "Fri, 31-Dec-99 23:59:59 GMT", "Friday, 31-Dec-99  23:59:59 GMT",
        "Fri Dec 31 23:59:59 99", "Fri Dec 31 23:59:59 1999 GMT", "Fri Dec  6 23:59:59 19x9", "Fri Dec 06 3:59:59 1999",
        "Fri Dec 32 23:59:59 1999", "Fri Dez 31 23:59:59 1999", "Fri  Dec 1 23:59:59 1999", "Fri Dec   23:59:59 1999",
    ])
    func otherTextIsIgnored(text: String) {
        #expect(RetryAfter.delay(text, at: now) == nil)
    }

    @Test(arguments: [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Tue, 19 Jan 2038 03:14:08 GMT", 2_147_483_648),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777), ("Tuesday, 19-Jan-38 03:14:08 GMT", 2_147_483_648),
        ("Thursday, 01-Jan-70 00:00:00 GMT", 0), ("Tuesday, 29-Feb-00 00:00:00 GMT", 951_782_400),
        ("Sun Nov  6 08:49:37 1994", 784_111_777), ("Tue Jan 19 03:14:08 2038", 2_147_483_648),
    ])
    func datesAreReadInEveryForm(text: String, seconds: Int64) {
        #expect(RetryAfter.httpDate(text) == Timestamp(milliseconds: seconds * 1_000))
    }
}
