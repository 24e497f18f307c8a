import RefundConfiguration
import RefundCore
import Testing

struct EnvironmentTests {
    @Test func variableOverridesItsKey() throws {
        let configuration = try Sample.load(
            Sample.text(adding: "timeout = 5\n[webhook]\nevents = []"),
            environment: [
                "REFUNDD_CONFIG": "/elsewhere", "PATH": "/bin", "REFUNDD": "1", "refundd_log_level": "x",
                "REFUNDD_DATABASE_PATH": "/srv/queue.db",
                "REFUNDD_GATEWAY_PROTOCOL": "other",
                "REFUNDD_GATEWAY_URL": "https://other.example/api/entry",
                "REFUNDD_GATEWAY_APP_ID": "12345",
                "REFUNDD_GATEWAY_MERCHANT_NO": "",
                "REFUNDD_GATEWAY_PUBLIC_KEY_FILES": "/keys/a , /keys/b",
                "REFUNDD_GATEWAY_TIMEOUT": "20s",
                "REFUNDD_GATEWAY_MAX_IN_FLIGHT": "8",
                "REFUNDD_GATEWAY_MAX_QUERIES_PER_SECOND": "0.5",
                "REFUNDD_POLLING_MAX_INTERVAL": "10m",
                "REFUNDD_POLLING_MULTIPLIER": "3",
                "REFUNDD_WEBHOOK_EVENTS": "refund.settled,refund.failed",
                "REFUNDD_WEBHOOK_RETRY_SCHEDULE": " ",
                "REFUNDD_WEBHOOK_ALLOW_HOSTS": "hooks.internal",
                "REFUNDD_ADMIN_LISTEN": "",
                "REFUNDD_LOG_LEVEL": "debug",
            ]
        )
        let gateway = try #require(configuration.gateways["default"])
        #expect(configuration.database.path == "/srv/queue.db")
        #expect(gateway.protocolName == "other")
        #expect(gateway.url == "https://other.example/api/entry")
        #expect(gateway.appID == "12345")
        #expect(gateway.merchantNo == nil)
        #expect(gateway.publicKeyFiles == ["/keys/a", "/keys/b"])
        #expect(gateway.timeout == .seconds(20))
        #expect(gateway.limits.maxInFlight == 8)
        #expect(gateway.limits.maxQueriesPerSecond == 0.5)
        #expect(configuration.polling.maxInterval == .seconds(600))
        #expect(configuration.polling.multiplier == 3)
        #expect(configuration.webhook.events == [.settled, .failed])
        #expect(configuration.webhook.retrySchedule.delays.isEmpty)
        #expect(configuration.webhook.allowHosts.map(\.description) == ["hooks.internal"])
        #expect(configuration.admin.listen == nil)
        #expect(configuration.log.level == .debug)
    }

    @Test func everyKeyHasItsVariable() throws {
        for key in Configuration.keys {
            let expected = "REFUNDD_\(key.section)_\(key.name)".uppercased()
            #expect(key.variable == expected)
            // No key takes this value, so each one reports that the variable reached it.
            let problems = try Sample.problems(Sample.text().utf8, environment: [expected: "///\u{1}/"])
            #expect(problems.map(\.place) == [.variable(expected)], "\(key.path)")
            #expect(problems.map(\.key) == [key.path])
        }
    }

    @Test func gatewayMayComeFromTheEnvironmentAlone() throws {
        let configuration = try Sample.load(
            "",
            environment: [
                "REFUNDD_GATEWAY_URL": "https://host", "REFUNDD_GATEWAY_APP_ID": "app",
                "REFUNDD_GATEWAY_PRIVATE_KEY_FILE": "/k", "REFUNDD_GATEWAY_PUBLIC_KEY_FILES": "/p",
            ]
        )
        #expect(configuration.gateways["default"]?.appID == "app")
    }

    @Test func namedGatewayHasItsOwnVariables() throws {
        let text = Sample.text(adding: "[gateways.my-shop2]\n") + Sample.text().replacing("[gateway]", with: "")
        let configuration = try Sample.load(text, environment: ["REFUNDD_GATEWAYS_MY_SHOP2_APP_ID": "other"])
        #expect(configuration.gateways["my-shop2"]?.appID == "other")
        #expect(configuration.gateways["default"]?.appID == "wz715fc0d10ee9d156")
    }

    @Test(arguments: [
        ("REFUNDD_POLLING_JITTER", "2", "polling.jitter invalid"),
        ("REFUNDD_POLLING_JITTER", "a little", "polling.jitter invalid"),
        ("REFUNDD_GATEWAY_MAX_IN_FLIGHT", "16.0", "gateway.max_in_flight invalid"),
        ("REFUNDD_GATEWAY_MAX_IN_FLIGHT", "99999999999999999999", "gateway.max_in_flight invalid"),
        ("REFUNDD_GATEWAY_APP_ID", "", "gateway.app_id invalid"),
        ("REFUNDD_GATEWAY_PUBLIC_KEY_FILES", "", "gateway.public_key_files invalid"),
        ("REFUNDD_GATEWAY_PUBLIC_KEY_FILES", "a,", "gateway.public_key_files invalid"),
        ("REFUNDD_POLLING_MAX_INTERVAL", "1s", "polling.max_interval conflict"),
        ("REFUNDD_WEBHOOK_SECRET_FILES", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "webhook.secret_files secret"),
        ("REFUNDD_POLLING_MAX_INTERVALL", "10m", "- unknown"),
        ("REFUNDD_ADMIN_PORT", "9464", "- unknown"),
        ("REFUNDD_HOME", "/opt", "- unknown"),
        ("REFUNDD_GATEWAYS_SECOND_URL", "https://host", "- unknown"),
    ])
    func problemNamesTheVariable(variable: String, value: String, problem: String) throws {
        let environment = [variable: value]
        #expect(try Sample.problems(Sample.text(), environment: environment) == [problem])
        let places = try Sample.problems(Sample.text().utf8, environment: environment).map(\.place)
        #expect(places == [.variable(variable)])
    }

    @Test func variablesSetByKubernetesAreIgnored() throws {
        var environment: [String: String] = [:]
        for service in ["REFUNDD", "REFUNDD_ADMIN"] {
            environment["\(service)_SERVICE_HOST"] = "10.0.0.11"
            environment["\(service)_SERVICE_PORT"] = "9464"
            environment["\(service)_SERVICE_PORT_METRICS"] = "9464"
            environment["\(service)_PORT"] = "tcp://10.0.0.11:9464"
            environment["\(service)_PORT_9464_TCP"] = "tcp://10.0.0.11:9464"
            environment["\(service)_PORT_9464_TCP_PROTO"] = "tcp"
            environment["\(service)_PORT_9464_TCP_PORT"] = "9464"
            environment["\(service)_PORT_9464_TCP_ADDR"] = "10.0.0.11"
        }
        #expect(try Sample.problems(Sample.text(), environment: environment).isEmpty)
    }

    @Test func variableOfTwoGatewaysIsAmbiguous() throws {
        let gateway = Sample.text().replacing("[gateway]\n", with: "")
        let text = "[gateways.a-b]\n\(gateway)[gateways.a_b]\n\(gateway)"
        #expect(try Sample.problems(text).isEmpty)
        let environment = ["REFUNDD_GATEWAYS_A_B_URL": "https://host"]
        #expect(try Sample.problems(text, environment: environment) == ["- conflict"])
    }
}
