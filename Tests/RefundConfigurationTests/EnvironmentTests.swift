import RefundConfiguration
import RefundCore
import Testing

struct EnvironmentTests {
    @Test func variablesOverrideKeysOfEverySection() throws {
        let configuration = try Sample.load(
            Sample.text(adding: "timeout = 5\n[webhook]\nevents = []"),
            environment: [
                "REFUNDD_CONFIG": "/elsewhere", "PATH": "/bin", "REFUNDD": "1", "refundd_log_level": "x",
                "REFUNDD_DATABASE_PATH": "/srv/queue.db",
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
        #expect(gateway.url == "https://other.example/api/entry/refundquery")
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
        #expect(configuration.webhook.allowHosts == ["hooks.internal"])
        #expect(configuration.admin.listen == nil)
        #expect(configuration.log.level == .debug)
    }

    @Test func everyKeyHasItsVariable() throws {
        for key in Configuration.keys {
            let expected = "REFUNDD_\(key.section)_\(key.name)".uppercased()
            #expect(key.variable == expected)
            // Nothing takes so many slashes, and so each key says that the variable reached it.
            let value = String(repeating: "/", count: 40)
            let problems = try Sample.problems(Sample.text(), environment: [expected: value])
            #expect(problems.count == 1)
            #expect(problems.first?.hasPrefix("environment variable \(expected): \(key.path) ") == true, "\(key.path)")
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

    @Test func namedGatewaysHaveVariablesOfTheirOwn() throws {
        let text = Sample.text(adding: "[gateways.my-shop2]\n") + Sample.text().replacing("[gateway]", with: "")
        let configuration = try Sample.load(text, environment: ["REFUNDD_GATEWAYS_MY_SHOP2_APP_ID": "other"])
        #expect(configuration.gateways["my-shop2"]?.appID == "other")
        #expect(configuration.gateways["default"]?.appID == "wz715fc0d10ee9d156")
    }

    @Test(
        arguments: [
            (
                "REFUNDD_POLLING_JITTER", "2",
                "polling.jitter = 2.0 is out of bounds; write a number from 0 to below 1, such as 0.1, without quotes"
            ),
            (
                "REFUNDD_POLLING_JITTER", "a little",
                #"polling.jitter = "a little" is not a number; "#
                    + "write a number from 0 to below 1, such as 0.1, without quotes"
            ),
            (
                "REFUNDD_GATEWAY_MAX_IN_FLIGHT", "16.0",
                #"gateway.max_in_flight = "16.0" is not a whole number; write a number from 1 to 1024, without quotes"#
            ),
            (
                "REFUNDD_GATEWAY_MAX_IN_FLIGHT", "99999999999999999999",
                #"gateway.max_in_flight = "99999999999999999999" is not a whole number; "#
                    + "write a number from 1 to 1024, without quotes"
            ),
            ("REFUNDD_GATEWAY_APP_ID", "", #"gateway.app_id = "" is empty; write what the gateway's portal shows"#),
            ("REFUNDD_GATEWAY_PUBLIC_KEY_FILES", "", "gateway.public_key_files is empty; write 1 to 2 file names"),
            (
                "REFUNDD_GATEWAY_PUBLIC_KEY_FILES", "a,",
                #"gateway.public_key_files has an entry, number 2 (""), that is empty; "#
                    + #"name a file, such as "gateway_public_key""#
            ),
            (
                "REFUNDD_POLLING_MAX_INTERVAL", "1s",
                #"polling.max_interval = "1s" is shorter than polling.initial_interval, which is "5s"; "#
                    + "raise it, or lower polling.initial_interval"
            ),
            (
                "REFUNDD_WEBHOOK_SECRET_FILES", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "webhook.secret_files has an entry, number 1, that is a key or a secret itself; "
                    + "put it into a file and name the file"
            ),
            (
                "REFUNDD_POLLING_MAX_INTERVALL", "10m",
                "overrides no key of FILE; did you mean REFUNDD_POLLING_MAX_INTERVAL? otherwise unset it"
            ),
            ("REFUNDD_ADMIN_PORT", "9464", "overrides no key of FILE; unset it"),
            ("REFUNDD_HOME", "/opt", "overrides no key of FILE; unset it"),
            ("REFUNDD_GATEWAYS_SECOND_URL", "https://host", "overrides no key of FILE; unset it"),
        ] as [(String, String, String)]
    )
    func errorsNameTheVariable(variable: String, value: String, message: String) throws {
        let problems = try Sample.problems(Sample.text(), environment: [variable: value])
        #expect(problems == ["environment variable \(variable): \(message)"])
    }

    @Test func variablesThatKubernetesSetsForAServiceAreNobodysMistake() throws {
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
        #expect(try Sample.problems(Sample.text(), environment: environment) == [])
    }

    @Test func variablesThatTwoGatewaysCouldMeanAreRefused() throws {
        let gateway = Sample.text().replacing("[gateway]\n", with: "")
        let text = "[gateways.a-b]\n\(gateway)[gateways.a_b]\n\(gateway)"
        #expect(try Sample.problems(text).isEmpty)
        let problems = try Sample.problems(text, environment: ["REFUNDD_GATEWAYS_A_B_URL": "https://host"])
        #expect(
            problems == [
                #"environment variable REFUNDD_GATEWAYS_A_B_URL: could mean the gateways "a-b" and "a_b"; "#
                    + "unset it, or give one of them another name"
            ]
        )
    }
}
