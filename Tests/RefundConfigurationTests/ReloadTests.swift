import RefundConfiguration
import RefundCore
import Testing

struct ReloadTests {
    private static func configuration() -> Configuration {
        let gateway = GatewaySettings(url: "u", appID: "a", privateKeyFile: "k", publicKeyFiles: ["p"])
        return Configuration(file: "/f", gateways: ["default": gateway, "second": gateway])
    }

    @Test func whatIdentifiesRefundsNeedsARestart() {
        let old = Self.configuration()
        var new = old
        new.database.path = "/other.db"
        new.gateways["default"]?.appID = "b"
        new.gateways["second"]?.merchantNo = "m"
        #expect(
            new.keysThatNeedRestart(since: old) == ["database.path", "gateway.app_id", "gateways.second.merchant_no"]
        )
    }

    @Test func everythingElseIsTakenOver() {
        let old = Self.configuration()
        var new = old
        new.polling.jitter = 0
        new.webhook.url = "https://host"
        new.log.level = .debug
        new.admin.listen = nil
        new.gateways["default"]?.url = "v"
        new.gateways["default"]?.privateKeyFile = "l"
        new.gateways["second"] = nil
        new.gateways["third"] = new.gateways["default"]
        #expect(new.keysThatNeedRestart(since: old).isEmpty)
    }
}
