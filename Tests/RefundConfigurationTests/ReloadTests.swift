import RefundConfiguration
import RefundCore
import Testing

struct ReloadTests {
    private static func configuration() -> Configuration {
        var gateway = GatewaySettings()
        gateway.appID = "a"
        return Configuration(file: "/f", gateways: ["default": gateway, "second": gateway])
    }

    @Test func changeOfARefundsIdentityNeedsARestart() {
        let old = Self.configuration()
        var new = old
        new.database.path = "/other.db"
        new.gateways["default"]?.appID = "b"
        new.gateways["second"]?.merchantNo = "m"
        new.gateways["second"]?.protocolName = "other"
        #expect(
            new.obstaclesToReload(since: old).map(\.key) == [
                "database.path", "gateway.app_id", "gateways.second.protocol", "gateways.second.merchant_no",
            ]
        )
    }

    @Test func everyKeyOfTheDatabaseNeedsARestart() {
        let old = Self.configuration()
        var server = old
        server.database.url = "postgresql://db/shop"
        var other = server
        other.database.url = "postgresql://db/shop?sslmode=require"
        other.database.passwordFile = "/password"
        other.database.schema = "refunds"
        #expect(server.obstaclesToReload(since: old).map(\.key) == ["database.url"])
        #expect(
            other.obstaclesToReload(since: server).map(\.key) == [
                "database.url", "database.password_file", "database.schema",
            ]
        )
    }

    @Test func adminHostMayOnlyChangeTogetherWithThePort() {
        let old = Self.configuration()
        var new = old
        new.admin.listen?.host = "0.0.0.0"
        #expect(new.obstaclesToReload(since: old).map(\.key) == ["admin.listen"])
        #expect(new.obstaclesToReload(since: old).map(\.code) == [.needsRestart])
        new.admin.listen?.port = 9_465
        #expect(new.obstaclesToReload(since: old).isEmpty)
    }

    @Test func changesAreNamedByTheirKeysWithoutValues() {
        let old = Self.configuration()
        #expect(old.changes(since: old).isEmpty)
        var new = old
        new.gateways["second"]?.timeout = .seconds(3)
        new.gateways["my shop"] = GatewaySettings()
        new.gateways["default"] = nil
        new.polling.jitter = 0
        new.webhook.url = "https://host/token"
        new.admin.listen = nil
        new.log.level = .debug
        #expect(
            new.changes(since: old) == [
                "gateway", "gateways.\"my shop\"", "gateways.second.timeout", "polling.jitter", "webhook.url",
                "admin.listen", "log.level",
            ]
        )
    }

    @Test func everythingElseMayChange() {
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
