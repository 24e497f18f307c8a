import Testing

@testable import RefundCore

struct SampleEventTests {
    @Test(arguments: EventType.allCases) func testEventHasEveryMemberOfARealOne(type: EventType) throws {
        let now = Timestamp(milliseconds: 1_795_316_646_123)
        let body = try JSONObject(parsing: SampleEvent.body(type, at: now))
        #expect(body["type"] == .string(type.rawValue))
        #expect(body["timestamp"] == .string("2026-11-22T03:04:06.123Z"))
        guard case .object(let text)? = body["data"] else {
            Issue.record("no data")
            return
        }
        let data = try JSONObject(parsing: text)
        guard type != .gatewayNeedsAttention else {
            #expect(data["gateway"] == .string("test") && data["code"] == .string("TEST"))
            return
        }
        #expect(data["refund_id"] == .number("0"))
        #expect(data["metadata"] == .object(#"{"test":true}"#))
        #expect(data["amount"] == .string("1200") && data["currency"] == .string("JPY"))
        guard case .string(let state)? = data["state"] else {
            Issue.record("no state")
            return
        }
        #expect(
            state
                == (type.rawValue.split(separator: ".").last.flatMap { RefundState(rawValue: String($0)) }
                ?? .processing).rawValue
        )
        #expect((data["failure"] == .null) == (type != .failed))
    }

    @Test func testEventIsKnownByItsID() {
        var random = SplitMix64(seed: 1)
        let now = Timestamp(milliseconds: 0)
        let ids = (0..<2).map { _ in WebhookID.make(at: now, using: &random, prefix: SampleEvent.idPrefix) }
        #expect(ids[0].hasPrefix("msg_test_") && ids[0] != ids[1] && !ids[0].contains("."))
        #expect(!WebhookID.make(at: now, using: &random).hasPrefix("msg_test_"))
    }
}
