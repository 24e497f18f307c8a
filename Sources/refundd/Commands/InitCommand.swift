import ArgumentParser
import RefundConfiguration
import RefundDaemon
import RefundScheduler
import RefundStore

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Create the queue in the database, or bring it up to date.",
        discussion: """
            Safe to run again, and on a database that has other tables. Never replaces a queue that is gone.

            On PostgreSQL, run it as the role that is to own the queue, and again after an update of refundd. --grant \
            lets an application's role insert and read refunds, and --grant-daemon lets a role other than \
            the owner serve the queue.

            Examples:
              refundd init --config refundd.conf
              refundd init --grant shop --grant-daemon refundd
            """
    )

    @OptionGroup var common: CommonOptions

    @Flag(
        help: ArgumentHelp(
            "Continue with a database that was restored from an older copy.",
            discussion: "Events and refunds get numbers beyond all that were ever used, so no reader misses any."
        )
    )
    var acceptRestored = false

    @Option(help: ArgumentHelp("A role of PostgreSQL that may insert and read refunds; repeatable.", valueName: "role"))
    var grant: [String] = []

    @Option(help: ArgumentHelp("A role of PostgreSQL that may serve the queue; repeatable.", valueName: "role"))
    var grantDaemon: [String] = []

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let database = try common.configuration().database
            let provider = try CommandFailure.mapping { () throws(StoreError) in
                try StoreProviders.provider(for: database)
            }
            let granting = provider as? any GrantingProvider
            guard granting != nil || grant.isEmpty && grantDaemon.isEmpty else {
                let place = database.url == nil ? "is a file, which knows no roles" : "knows no roles"
                throw CommandFailure(.usage, ["\(provider.location) \(place); leave --grant and --grant-daemon out"])
            }
            let next = try waiting(for: "the database") { () throws(CommandFailure) in
                try CommandFailure.mapping { () throws(StoreError) -> Int64? in
                    let actor = acceptRestored ? common.actor : nil
                    let next = try provider.initialize(at: SystemClock().now(), acceptingRestoredFor: actor)
                    try granting?.grant(toApplications: grant, toDaemons: grantDaemon)
                    return next
                }
            }
            if let next {
                let command = (try? common.databaseConfiguration()).flatMap { try? DaemonReport(of: $0) }?.startCommand
                printLine("\(provider.location) is accepted; refunds continue at number \(next)")
                return printLine("run: \(command ?? "systemctl start refundd")")
            }
            // Only refundd's own connections find the tables without their schema.
            let schema = provider.schema.map { "\($0)." } ?? ""
            printLine("\(provider.location) is ready. Enqueue a refund with:")
            printLine("INSERT INTO \(schema)refund_queue (merchant_order_no) VALUES ('R-1001');")
        }
    }
}

struct EnqueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enqueue",
        abstract: "Enqueue a refund, as an application's INSERT does.",
        discussion: """
            Examples:
              refundd enqueue --order R-1001
              refundd enqueue --order R-1002 --amount 1200 --currency JPY
            """
    )

    @OptionGroup var common: CommonOptions

    @Option(help: "The refund's own order number.")
    var order: String?

    @Option(help: "The gateway's number for the refund.")
    var transNo: String?

    @Option(help: "The merchant number, if it is not the configuration's.")
    var merchant: String?

    @Option(help: "The gateway, if it is not the default one.")
    var gateway: String?

    @Option(help: "The amount to expect, such as 12.50.")
    var amount: String?

    @Option(help: "The amount's currency, such as JPY.")
    var currency: String?

    @Option(help: "Where webhooks of this refund go.")
    var callback: String?

    @Option(help: "A JSON object that webhooks echo.")
    var metadata: String?

    func validate() throws {
        guard order != nil || transNo != nil else { throw ValidationError("give --order or --trans-no") }
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let store = try common.store(.existing)
            defer { store.close() }
            let values: [(NewRefund.Column, String?)] = [
                (.merchantOrderNo, order), (.transNo, transNo), (.merchantNo, merchant), (.gateway, gateway),
                (.expectedAmount, amount), (.expectedCurrency, currency), (.callbackURL, callback),
                (.metadata, metadata),
            ]
            let columns = values.compactMap { name, value in value.map { (name: name, value: $0) } }
            let name = order ?? transNo ?? ""
            let id = try store.commandShowingWait { tx throws(StoreError) -> Result<Int64, CommandFailure> in
                guard let id = try tx.enqueue(NewRefund(columns: columns)) else {
                    return .failure(CommandFailure(.failed, ["\(name) is queued already; see `refundd show \(name)`"]))
                }
                return .success(id)
            }
            printLine("#\(id) \(name)")
        }
    }
}
