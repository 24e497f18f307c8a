import Foundation
import RefundConfiguration
import RefundCore
import RefundHTTP
import RefundScheduler
import RefundStore
import RefundStoreConformance
import RefundStoreSQLiteSupport
import RefundTestSupport
import Synchronization
import Testing

@testable import RefundDaemon

/// One entry in the table of protocols is all that the daemon needs to serve a gateway that it does not know.
@Suite(.timeLimit(.minutes(1)))
struct ToySchedulingTests {
    private let protocols = GatewayProtocols([ToyProtocol(transport: ToyServer.init)])
    private let folder: TemporaryFolder
    private let fixture: SQLiteFixture

    init() throws {
        folder = try TemporaryFolder()
        fixture = try SQLiteFixture(in: folder.path)
    }

    private func configuration(_ name: String = "toy") throws -> RefundConfiguration.Configuration {
        let secret = try folder.write("secret", to: "secret")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: secret)
        let text = """
            [database]
            path = "\(fixture.path)"
            [gateway]
            protocol = "\(name)"
            url = "https://toy.example/refunds"
            app_id = "toy"
            merchant_no = "M-1"
            private_key_file = "secret"
            public_key_files = ["secret"]
            [polling]
            initial_interval = "1ms"
            """
        return try .load(file: folder.write(text, to: "refundd.conf"), environment: [:])
    }

    @Test func insertedRefundSettlesAndItsWebhookIsSentAndVerified() async throws {
        let configuration = try configuration()
        let (credentials, problems) = Credentials.load(configuration, isForDaemon: false, protocols)
        #expect(problems == [])
        #expect(credentials.publicKeys.isEmpty, "a secret's hash helps to guess it")
        let connections = try Connections(configuration, credentials)
        defer { connections.shutDown() }
        let receiver = Receiver()
        var settings = connections.settings
        let routing = WebhookRouting(
            defaultURL: "https://shop.example/hooks",
            events: [.settled, .failed],
            endpoint: HTTPURL.endpoint(of:)
        )
        settings.webhooks = SchedulerSettings.Webhooks(routing: routing, hasSecret: true, client: receiver)
        let scheduler = Scheduler(
            store: fixture.store,
            settings: settings,
            clock: SystemClock(),
            report: { _ in },
            fault: { _ in }
        )
        try await scheduler.start()
        try fixture.enqueue("R-1")
        let delivery = try #require(await receiver.next())
        await scheduler.drain()
        #expect(delivery.refundID == 1 && String(decoding: delivery.body, as: UTF8.self).contains("refund.settled"))
        let rows = try fixture.rows("SELECT state, trans_amount, trans_currency FROM refund_queue")
        #expect(rows == [["settled", "12.50", "EUR"]])
        let verification = try Verification(fixture.store, GatewayKeys(configuration, protocols))
        #expect(verification.problems.map(\.description) == [])
        #expect(verification.lines.last?.contains("2 answers") == true, "\(verification.lines)")

        let (refund, ledger) = try fixture.store.read { tx throws(StoreError) in
            (try tx.refund(id: 1)?.refund, try tx.ledger(refundID: 1))
        }
        let keys = try GatewayKeys(configuration, protocols)
        let error = #expect(throws: CommandFailure.self) { try EvidenceFolder(of: #require(refund), ledger, keys) }
        #expect(error?.messages.first?.contains("prove nothing to others") == true)
    }

    @Test func publicKeyIsNeverTakenForASharedSecret() throws {
        let configuration = try configuration()
        let published = try folder.write("published", to: "published")
        let keys = try GatewayKeys(configuration, retired: [published], protocols)
        let gateway = ToyGateway(url: "", secret: Array("published".utf8))
        let refund = Refund(id: 1, gateway: "default", merchantOrderNo: "R-1", createdAt: Timestamp(milliseconds: 0))
        #expect(keys.reread(gateway.signed(["refund R-1", "status paid"]), refund).kind == "unverified")
        let removed = Refund(id: 1, gateway: "removed", merchantOrderNo: "R-1", createdAt: Timestamp(milliseconds: 0))
        #expect(keys.reread(gateway.signed(["refund R-1", "status paid"]), removed).kind == "unverified")
    }

    @Test func failureIsExplainedByTheGatewaysOwnProtocol() throws {
        let both = GatewayProtocols(GatewayProtocols.known.all + protocols.all)
        let toy = try #require(configuration().gateways["default"])
        let wrong = "the signature is wrong"
        let foreign = "the gateway's answer is signed by none of the configured public keys"
        #expect(
            both.remedy(for: wrong, of: "shop", toy)?.cause.hasSuffix("has another secret than \(toy.privateKeyFile)")
                == true
        )
        #expect(both.remedy(for: foreign, of: "shop", toy) == nil)
        let payCloud = GatewaySettings()
        #expect(both.remedy(for: wrong, of: "shop", payCloud) == nil)
        #expect(both.remedy(for: foreign, of: "shop", payCloud)?.cause.contains("another key") == true)
        // Without a configuration, it may be either.
        #expect(both.remedy(for: wrong, of: "shop", nil)?.cause == "gateway shop has another secret than ours")
        #expect(both.remedy(for: foreign, of: "shop", nil)?.cause.contains("another key") == true)
    }

    @Test func unknownProtocolIsReportedWithTheKnownOnes() throws {
        let configuration = try configuration("paypal")
        let (credentials, problems) = Credentials.load(configuration, isForDaemon: false, protocols)
        #expect(credentials.gateways.isEmpty)
        #expect(problems.map(\.description) == [#"gateway.protocol = "paypal": expected one of "toy""#])
        let error = #expect(throws: CommandFailure.self) { try GatewayKeys(configuration, protocols) }
        #expect(error?.status == .configuration)
        #expect(throws: CommandFailure.self) {
            try ConfigurationCheck.offline(file: configuration.file, environment: [:])
        }
    }
}

/// The toy gateway's server: a refund is sent at its first query and paid from the second on.
private final class ToyServer: HTTPTransport {
    private let gateway: ToyGateway
    private let queries = Atomic(0)

    init(gateway: ToyGateway) {
        self.gateway = gateway
    }

    func send(_ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, HTTPError>) -> Void) {
        let lines = String(decoding: request.body, as: UTF8.self).split(separator: "\n").map(String.init)
        guard gateway.signed(lines.dropLast()) == request.body else {
            return completion(.success(HTTPResponse(status: 403, body: [])))
        }
        let isFirst = queries.add(1, ordering: .relaxed).oldValue == 0
        let answer = [lines[1], isFirst ? "status sent" : "status paid", "amount 12.50 EUR"]
        completion(.success(HTTPResponse(status: 200, body: gateway.signed(answer))))
    }
}

/// A receiver that accepts every webhook.
private final class Receiver: WebhookDelivering {
    private let stream = AsyncStream<Delivery>.makeStream()

    func deliver(
        _ delivery: Delivery,
        at now: Timestamp,
        isProbe: Bool,
        completion: @escaping @Sendable (DeliveryAttempt) -> Void
    ) {
        stream.continuation.yield(delivery)
        completion(.completed(DeliveryOutcome(status: 204, error: nil, retryAfter: nil, answer: [], duration: .zero)))
    }

    func next() async -> Delivery? {
        for await delivery in stream.stream { return delivery }
        return nil
    }
}
