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
            new.obstaclesToReload(since: old).map(\.key) == [
                "database.path", "gateway.app_id", "gateways.second.merchant_no",
            ]
        )
        #expect(
            new.obstaclesToReload(since: old).map(\.description)[1]
                == #"/f: gateway.app_id = "b" cannot change while the daemon runs, and it runs with "a"; "#
                + "write that again, or restart refundd"
        )
    }

    @Test func adminAddressMovesOnlyTogetherWithItsPort() {
        let old = Self.configuration()
        var new = old
        new.admin.listen = ListenAddress(host: "0.0.0.0", port: 9_464)
        #expect(
            new.obstaclesToReload(since: old).map(\.description) == [
                #"/f: admin.listen = "0.0.0.0:9464" cannot change while the daemon runs, and it runs with "#
                    + #""127.0.0.1:9464"; choose another port, too, or restart refundd"#
            ]
        )
        new.admin.listen?.port = 9_465
        #expect(new.obstaclesToReload(since: old).isEmpty)
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
        #expect(new.obstaclesToReload(since: old).isEmpty)
    }
}
