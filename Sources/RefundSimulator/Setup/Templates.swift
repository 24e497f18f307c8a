/// The texts of the files that are meant to be edited.
enum Templates {
    static func configuration(port: Int, usesTLS: Bool) -> String {
        """
        # refundd against refund-gateway-simulator. File names are relative to this file.

        [database]
        path = "refundd.db"

        [gateway]
        url = "\(usesTLS ? "https" : "http")://\(Simulator.host):\(port)"
        app_id = "\(SimulatorConfiguration.exampleAppID)"
        merchant_no = "\(SimulatorConfiguration.exampleMerchantNo)"
        private_key_file = "app_private_key"
        public_key_files = ["gateway_public_key"]
        \(usesTLS ? "ca_file = \"ca.pem\"" : "# ca_file is for https")

        [polling]                       # much faster than in production
        initial_interval = "1s"
        multiplier = 1.5
        max_interval = "5s"
        slow_after = "2m"
        slow_interval = "15s"
        attention_after = "1m"

        [webhook]
        url = ""                        # such as "http://127.0.0.1:8080/refunds"
        secret_files = ["webhook_secret"]
        retry_schedule = ["1s", "2s", "5s", "10s", "30s", "1m"]
        allow_hosts = ["127.0.0.1", "localhost"]

        [admin]
        listen = "127.0.0.1:9465"       # not 9464, where an installed refundd listens

        """
    }

    static let scenarios = """
        # What refund-gateway-simulator says about which refund.
        #
        # A refund's scenario is the first of these: that of its exact number in [orders], that of the longest matching
        # prefix in [prefixes], that of a built-in prefix (OK-, OK3-, FAIL-, LATE-, UNKNOWN-, NEVER-, MISMATCH- and
        # others: see "refund-gateway-simulator run --help"), one drawn from [mix], [default].
        # A number that ends with an amount, such as R-1001@JPY1200 or R-1002@USD12_50, settles with it.
        #
        # Keys of a scenario; missing ones are taken from [default]:
        #   settles_after_queries = 2     from the 2nd query on; or settles_after = "30s" from the first query on
        #   fails_after_queries, fails_after, with error_code and error_message
        #   cancelled_after_queries, cancelled_after
        #   never = true                  stays in progress
        #   unknown_for_queries = 3       at first the gateway has no such order; or unknown_for = "10s", unknown = true
        #   amount = "1200", currency = "JPY", trans_no = "4112", status_while_open = 0 or 9
        #   data_form = "text" or "object", latency = "200ms"
        #   fault = "wrong_signature", "unsigned", "empty_sign", "other_order", "http_429", "http_503", "html",
        #           "not_json", "not_utf8", "truncated", "huge", "reset", "close", "hang", "duplicate_member", "unknown_status",
        #           "credentials" or "not_authorised"
        #   fault_for_queries = 2         only the first 2 queries; without it, all
        #   retry_after = "30s"           the Retry-After of "http_429" and "http_503", in whole seconds
        # Every query that passes the checks counts, including those that get a fault.

        # Whether refusals before the signature is checked are signed. What the live gateway does is unknown.
        sign_early_errors = false

        [default]
        settles_after_queries = 2
        amount = "1200"                 # of numbers that end with no amount
        currency = "JPY"

        [orders."R-1009"]
        fails_after_queries = 1
        error_code = "TS-D2012"
        error_message = "insufficient funds"

        [prefixes."SLOW-"]
        settles_after = "30s"

        # Uncomment to let every other order draw from these; the same order always draws the same.
        # [mix]
        # seed = 7
        # entries = [
        #     { weight = 70, settles_after = "2s" },
        #     { weight = 20, settles_after_queries = 4 },
        #     { weight = 7, fails_after = "3s", error_code = "TS-D2012" },
        #     { weight = 2, cancelled_after_queries = 3 },
        #     { weight = 1, never = true },
        # ]

        """
}
