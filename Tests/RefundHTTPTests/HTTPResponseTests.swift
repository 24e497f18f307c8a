import RefundHTTP
import Testing

struct HTTPResponseTests {
    private func head(_ lines: String...) -> ResponseHead {
        var head = ResponseHead()
        for line in lines {
            head.add(Array("\(line)\r\n".utf8))
        }
        return head
    }

    @Test(
        arguments: [
            ("X-A: b", "b"), ("x-a:b", "b"), ("X-A:\t b c \t", "b c"), ("X-A:", ""), ("X-A: b:c", "b:c"),
            ("X-A: é", "é"),
            ("X-AB: b", nil), ("X: b", nil), ("X-A", nil), (": b", nil), ("X-A : b", nil), (" X-A: b", nil),
        ] as [(String, String?)]
    )
    func fieldIsFoundByItsName(line: String, value: String?) {
        #expect(head("HTTP/1.1 200 OK", line, "").value(of: "X-A") == value)
    }

    @Test func firstOfSeveralFieldsCounts() {
        #expect(head("HTTP/1.1 200 OK", "A: 1", "a: 2", "").value(of: "A") == "1")
    }

    @Test func finalHeadReplacesAnInterimOneAndTrailersAreDropped() {
        let kept = head(
            "HTTP/1.1 100 Continue",
            "A: 1",
            "",
            "HTTP/1.1 200 OK",
            "B: 2",
            "",
            "A: 3",
            "HTTP/1.1 200 OK",
            "C: 4"
        )
        #expect(kept.value(of: "A") == nil)
        #expect(kept.value(of: "B") == "2")
        #expect(kept.value(of: "C") == nil)
    }

    @Test func headIsCompleteAfterTheEmptyLineOfTheFinalResponse() {
        #expect(!head("HTTP/1.1 200 OK", "A: 1").isComplete)
        #expect(head("HTTP/1.1 200 OK", "A: 1", "").isComplete)
        #expect(!head("HTTP/1.1 103 Early Hints", "A: 1", "").isComplete)
        #expect(head("HTTP/1.1 103 Early Hints", "A: 1", "", "HTTP/1.1 200 OK", "").isComplete)
        #expect(head("HTTP/1.1 101 Switching Protocols", "").isComplete)
    }

    @Test func bytesThatAreNotUTF8DoNotTrap() {
        var head = ResponseHead()
        head.add([0x41, 0x3A, 0xFF, 0xFE, 0x0D, 0x0A])
        #expect(head.value(of: "A") == "\u{FFFD}\u{FFFD}")
    }
}
