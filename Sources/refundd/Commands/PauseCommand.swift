import ArgumentParser
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStore

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Stop querying a gateway, or sending webhooks to an endpoint, until it is resumed.",
        discussion: """
            Takes effect at once, and lasts over restarts. Nothing is lost: refunds and webhooks wait. Until \
            `refundd resume`, `refundd status` reports the pause as a problem, so that it is not forgotten.

            Examples:
              refundd pause --gateway default --reason "maintenance until 6:00"
              refundd pause --endpoint https://shop.example
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var peer: PeerOptions

    @Option(help: "The reason, which `refundd status` shows.")
    var reason: String?

    func validate() throws {
        if let reason, reason.allSatisfy(\.isWhitespace) { throw ValidationError("--reason is blank; leave it out") }
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let peer = try peer.peer()
            let configuration = try common.configuration()
            let store = try common.store(.existing, of: configuration.database)
            defer { store.close() }
            let pause = Pause(since: SystemClock().now(), by: common.actor, reason: reason)
            let lines = try store.commandShowingWait { tx throws(StoreError) in
                try PauseRequest.pause(peer, pause, configuration, tx)
            }
            for line in lines { printLine(line) }
        }
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Query a paused gateway again, or send webhooks to a paused endpoint again.",
        discussion: """
            What became due meanwhile is queried or sent now, within the usual limits.

            Examples:
              refundd resume --gateway default
              refundd resume --endpoint https://shop.example
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var peer: PeerOptions

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let peer = try peer.peer()
            let store = try common.store(.existing, of: common.databaseConfiguration().database)
            defer { store.close() }
            let lines = try store.commandShowingWait { tx throws(StoreError) in
                try PauseRequest.resume(peer, by: common.actor, tx, at: SystemClock().now())
            }
            for line in lines { printLine(line) }
        }
    }
}

/// The options that name what to pause or resume.
struct PeerOptions: ParsableArguments {
    @Option(help: "The gateway's name in the configuration.")
    var gateway: String?

    @Option(help: "The endpoint, or any URL of it; its path does not matter.")
    var endpoint: String?

    func validate() throws {
        guard (gateway == nil) != (endpoint == nil) else {
            throw ValidationError("give either --gateway or --endpoint")
        }
    }

    /// The gateway, or the endpoint that the URL belongs to.
    ///
    /// - Throws: `CommandFailure` for a URL that no webhook could have; the message does not repeat it.
    func peer() throws(CommandFailure) -> Peer {
        guard let endpoint else { return .gateway(gateway ?? "") }
        do throws(HTTPURLError) {
            return .endpoint(try HTTPURL(endpoint).endpoint)
        } catch {
            throw CommandFailure(.usage, ["--endpoint: \(error)"])
        }
    }
}
