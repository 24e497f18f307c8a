import Foundation
import FoundationXML
import RefundCore
import Testing

@testable import RefundAdmin
@testable import RefundStore

struct PageTests {
    private static let attack = "\"><script>alert('x')</script><b onload=x style=\"a\">\u{202e}\n"
    private let now = Timestamp(milliseconds: 1_800_000_000_000)

    private func ago(_ duration: Duration) -> Timestamp { now.advanced(by: .zero - duration) }

    /// A queue in which everything that comes from outside is hostile.
    private var hostile: QueueOverview {
        var status = QueueStatus()
        for reason in Attention.allCases { status.attention[reason] = 12 }
        status.webhooks[.dead] = 7_000
        status.incidents["default"] = GatewayIncident(
            kind: .misconfigured,
            code: Self.attack,
            message: Self.attack,
            isVerified: false,
            since: ago(.seconds(600))
        )
        status.breakers["jp"] = OpenBreaker(
            since: ago(.seconds(60)),
            reason: Self.attack,
            nextProbe: now
        )
        status.sightings["jp"] = GatewaySighting(
            lastVerified: now,
            lastError: Self.attack,
            lastErrorAt: now
        )
        var daemon = ServingDaemon(pid: 7, version: Self.attack, since: ago(.seconds(7_200)))
        daemon.host = Self.attack
        (status.daemons, status.gone) = ([daemon], [GoneDaemon(name: Self.attack, at: now)])
        status.endpoints.open = [(Self.attack, OpenBreaker(since: now, reason: Self.attack))]
        var overview = QueueOverview(status: status)
        for reason in Attention.allCases {
            var refund = Refund(id: 7, merchantOrderNo: Self.attack, createdAt: ago(.seconds(90_000)))
            refund.attention = reason
            refund.lastError = Self.attack
            refund.expected = Money(amount: Self.attack, currency: Self.attack)
            refund.metadata = "metadata-secret"
            refund.callbackURL = "https://shop.example/path-secret"
            overview.flagged[reason] = [refund]
        }
        var backlog = EndpointBacklog(endpoint: Self.attack)
        (backlog.dead, backlog.newestDead, backlog.lastError) = (
            EndpointBacklog.counted, Self.attack, Self.attack
        )
        overview.backlogs = [backlog]
        overview.waiting.add(Money(amount: "12.50", currency: Self.attack), age: .seconds(5))
        overview.settleTimes[Self.attack] = [.seconds(4)]
        overview.changes = [
            RecentChange(
                at: now,
                refundID: 7,
                number: Self.attack,
                gateway: Self.attack,
                from: Self.attack,
                to: Self.attack,
                actor: Self.attack
            )
        ]
        return overview
    }

    private func page(
        _ overview: QueueOverview,
        _ problems: [ReadinessProblem] = [],
        findings: [Finding] = [],
        fault: String? = nil,
        refreshes: Bool = true
    ) -> String {
        let page = OverviewPage(
            overview,
            findings: findings,
            gateways: ["default", "jp"],
            problems: problems,
            fault: fault,
            now: now,
            version: "0.1.0",
            refreshes: refreshes
        )
        return page.html()
    }

    private func record(_ refund: Refund) -> RefundRecord {
        RefundRecord(refund: refund, ledger: [], webhooks: [], actions: [])
    }

    /// Checks that a document is well-formed and holds nothing but what the pages consist of.
    private func check(_ html: String) {
        let reader = Elements()
        let parser = XMLParser(data: Data(html.replacing("<!DOCTYPE html>", with: "").utf8))
        parser.delegate = reader
        #expect(parser.parse(), "\(html)")
        let forbidden: Set = ["script", "style", "b", "img", "iframe", "object"]
        #expect(reader.names.isDisjoint(with: forbidden), "\(reader.names)")
        #expect(reader.attributes.allSatisfy { !$0.hasPrefix("on") && $0 != "style" })
        #expect(!html.contains("secret"))
        #expect(!html.contains("\u{202e}"))
    }

    @Test func notesAreShownOnAHealthyPage() {
        let html = page(hostile, findings: [Finding(.note, "endpoint", "answers HTTP 500", run: "refundd status")])
        check(html)
        #expect(html.contains("Healthy:") && html.contains("answers HTTP 500"))
    }

    @Test func hostileRowsStayText() {
        let html = page(hostile, findings: [Finding(.problem, Self.attack, Self.attack, run: Self.attack)])
        check(html)
        #expect(html.contains("&quot;&gt;&lt;script&gt;alert"))
    }

    @Test func daemonsOfAServerAreNamed() {
        var overview = QueueOverview(status: QueueStatus())
        #expect(!page(overview).contains("Served by"), "a file is served by the one that shows the page")
        for number in [1, 2] as [Int32] {
            var daemon = ServingDaemon(pid: number, version: "1", since: ago(.seconds(7_200)))
            daemon.host = "shop-\(number)"
            overview.status.daemons.append(daemon)
        }
        overview.status.gone = [GoneDaemon(name: "shop-3 (process 3)", at: now)]
        let html = page(overview)
        check(html)
        for text in [
            "Served by 2 daemons, each with 1/2 of the limits: shop-1 (process 1) since ",
            "; shop-2 (process 2) since ", ". Taken over: shop-3 (process 3) ",
        ] {
            #expect(html.contains(text), "\(text)")
        }
    }

    @Test func hostileRefundStaysText() {
        var refund = hostile.flagged[.mismatch]?.first ?? Refund(id: 7, createdAt: now)
        refund.failure = Failure(code: Self.attack, message: Self.attack)
        var row = LedgerRow(
            sequence: 1,
            at: now,
            from: Self.attack,
            to: Self.attack,
            actor: Self.attack
        )
        (row.reason, row.code, row.psn, row.attention) = (
            Self.attack, Self.attack, Self.attack, Self.attack
        )
        row.response = Array("answer-secret".utf8)
        var record = record(refund)
        record.ledger = [row]
        let webhook = WebhookRow(
            id: Self.attack,
            refundID: 7,
            sequence: 1,
            type: Self.attack,
            url: "https://shop.example/path-secret?secret",
            body: Array("body-secret".utf8),
            state: "dead",
            attempts: 1,
            createdAt: now
        )
        let attempt = AttemptRow(
            at: now,
            status: 500,
            error: Self.attack,
            durationMilliseconds: 3,
            answer: Array("answer-secret".utf8)
        )
        record.webhooks = [(webhook, [attempt])]
        record.actions = [
            ActionRow(id: 1, at: now, actor: Self.attack, action: Self.attack, webhookID: Self.attack)
        ]
        var outlook = Outlook(at: now)
        outlook.breakers = [refund.gateway: OpenBreaker(since: now, reason: Self.attack, nextProbe: now)]
        let html = RefundPage(record, outlook).html()
        check(html)
        #expect(html.contains("https://shop.example:443: dead"))
    }

    @Test func hostileSearchStaysText() {
        check(SearchPage(Self.attack, found: [], now: now).html())
        check(SearchPage(Self.attack, found: hostile.flagged[.overdue] ?? [], now: now).html())
    }

    @Test func emptyQueueIsHealthy() {
        let html = page(QueueOverview(status: QueueStatus()))
        check(html)
        #expect(html.contains("Healthy: refunds are watched and nothing needs an operator."))
        #expect(!html.contains("What needs you"))
        #expect(html.contains("No refund waits for a verdict."))
        #expect(html.contains("http-equiv=\"refresh\""))
        #expect(
            !page(QueueOverview(status: QueueStatus()), refreshes: false).contains(
                "http-equiv=\"refresh\""
            )
        )
    }

    @Test func whatNeedsAnOperatorComesFirstWithItsCommand() throws {
        let finding = Finding(.problem, "gateway", "gateway jp refuses us", run: "refundd check --online")
        let html = page(hostile, findings: [finding, finding])
        #expect(html.contains("Needs an operator: gateway jp refuses us, and 1 more problem."))
        let order = [
            "class=\"health bad\"", "What needs you", "Money without", "How long verdicts",
            "Gateways and",
        ]
        let places = try order.map { try #require(html.range(of: $0)?.lowerBound) }
        #expect(places == places.sorted())
        #expect(html.contains("<code class=\"command\">refundd check --online</code>"))
        for outcome in ["settled", "failed"] {
            #expect(html.contains("refundd resolve --id 7 --as \(outcome) --reason TEXT"))
        }
        #expect(
            html.contains("2 more refunds: <code class=\"command\">refundd list --attention</code>")
        )
        #expect(html.contains("5,000 or more"))
    }

    @Test func pausesAreShownWithTheirOperatorAndTheirReasonIsText() {
        var overview = hostile
        let pause = Pause(since: ago(.seconds(60)), by: "ada", reason: Self.attack)
        overview.status.pauses = [.gateway("jp"): pause, .endpoint("https://unused.example:443"): pause]
        let html = page(overview)
        check(html)
        #expect(html.contains("https://unused.example:443"))
        #expect(html.split(separator: "paused</span> since ").count == 3)
        #expect(html.contains(" by ada (&quot;&gt;"))
    }

    @Test func gatewaysConditionIsNamedAsEverywhere() {
        var status = QueueStatus()
        #expect(page(QueueOverview(status: status)).contains(">not queried yet<"))
        status.sightings["jp"] = GatewaySighting(lastVerified: ago(.seconds(9)))
        #expect(page(QueueOverview(status: status)).contains(">answers<"))
        status.sightings["jp"] = GatewaySighting(lastError: "no route", lastErrorAt: now)
        #expect(page(QueueOverview(status: status)).contains("failing</span>: no route"))
        status.breakers["jp"] = OpenBreaker(since: now, reason: "timeout")
        #expect(page(QueueOverview(status: status)).contains("only probed</span> since "))
        status.incidents["jp"] = GatewayIncident(
            kind: .misconfigured,
            code: "AA01",
            message: "wrong app_id",
            isVerified: false,
            since: now
        )
        #expect(page(QueueOverview(status: status)).contains(": wrong app_id (AA01, not signed: only a hint)"))
    }

    @Test func daemonThatIsNotReadyIsNotHealthy() {
        let html = page(QueueOverview(status: QueueStatus()), [.databaseWriteFailed])
        #expect(html.contains("Not working: the database cannot be written."))
        #expect(html.contains("journalctl -u refundd"))
        let fault = "python3 (process 10617, user shop) holds it"
        let held = page(QueueOverview(status: QueueStatus()), [.databaseWriteFailed], fault: fault)
        #expect(held.contains("Not working: the database cannot be written (\(fault))."))
    }

    @Test func moneyIsSummedByCurrencyAndAge() {
        var overview = QueueOverview(status: QueueStatus())
        overview.status.states = [.pending: 50_000]
        for amount in ["1200", "0.50"] {
            overview.waiting.add(Money(amount: amount, currency: "EUR"), age: .seconds(4 * 86_400))
        }
        overview.waiting.add(nil, age: .seconds(10))
        overview.waiting.isPartial = true
        let html = page(overview)
        check(html)
        #expect(html.contains(">1,200.50 (2 refunds)<"))
        #expect(html.contains(">amount not given<"))
        #expect(html.contains("49,997 younger ones are left out"))
    }

    @Test func heldBackQueryIsNotPromised() throws {
        var refund = Refund(id: 7, merchantOrderNo: "R-7", createdAt: now)
        refund.nextQueryAt = now.advanced(by: .seconds(30))
        let time = try #require(refund.nextQueryAt)
        var outlook = Outlook(at: now)
        let free = RefundPage(record(refund), outlook).html()
        #expect(free.contains("The next query is due <time") && free.contains(">in 30 s<"))
        outlook.breakers = ["default": OpenBreaker(since: now, reason: "down", nextProbe: time)]
        let held = RefundPage(record(refund), outlook).html()
        #expect(held.contains("Held back: gateway default is only probed (down), next probe <time"))
        refund.state = .settled
        #expect(RefundPage(record(refund), outlook).html().contains("The state is final"))
    }

    @Test func heldBackWebhookIsNotPromised() {
        let refund = Refund(id: 7, merchantOrderNo: "R-7", createdAt: now)
        var webhook = WebhookRow(
            id: "msg_1",
            refundID: 7,
            sequence: 1,
            type: "refund.settled",
            url: "https://shop.example/hooks",
            body: [],
            state: "pending",
            attempts: 1,
            createdAt: now
        )
        webhook.nextAttemptAt = now.advanced(by: .seconds(-30))
        var record = record(refund)
        record.webhooks = [(webhook, [])]
        var outlook = Outlook(at: now)
        #expect(RefundPage(record, outlook).html().contains("next attempt due now"))
        let pause = Pause(since: now, by: "ada")
        outlook.pauses = [.endpoint("https://shop.example:443"): pause]
        let held = RefundPage(record, outlook).html()
        #expect(held.contains("held back: endpoint https://shop.example:443 is paused since"))
        #expect(!held.contains("next attempt"))
    }
}

/// Collects the names of a document's elements and attributes.
private final class Elements: NSObject, XMLParserDelegate {
    var names: Set<String> = []
    var attributes: Set<String> = []

    func parser(
        _ parser: XMLParser,
        didStartElement name: String,
        namespaceURI: String?,
        qualifiedName: String?,
        attributes: [String: String]
    ) {
        names.insert(name)
        self.attributes.formUnion(attributes.keys)
    }
}
