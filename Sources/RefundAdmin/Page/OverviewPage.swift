package import RefundCore
package import RefundStore

/// The front page: first what is wrong and what to do, then the refunds without a verdict.
///
/// It shows order numbers and amounts, but neither metadata nor bodies nor the paths of URLs, which may be secret:
/// everybody who reaches the address can read it.
package struct OverviewPage: Sendable {
    var overview: QueueOverview
    var findings: [Finding]
    var notes: [Finding]
    var gateways: [String]
    var problems: [ReadinessProblem]
    var fault: String?
    var now: Timestamp
    var version: String
    var refreshes: Bool

    /// Creates a page.
    ///
    /// - Parameters:
    ///   - overview: What the queue holds.
    ///   - findings: What needs an operator, the gravest first, and what an operator may want to know.
    ///   - gateways: The configured gateways.
    ///   - problems: Why the daemon is not ready.
    ///   - fault: Why the last transaction failed; nil if it succeeded.
    ///   - now: The time of the overview.
    ///   - version: The daemon's version.
    ///   - refreshes: Whether the page reloads itself.
    package init(
        _ overview: QueueOverview,
        findings: [Finding],
        gateways: [String],
        problems: [ReadinessProblem],
        fault: String? = nil,
        now: Timestamp,
        version: String,
        refreshes: Bool
    ) {
        self.overview = overview
        self.findings = findings.filter { $0.gravity == .problem }
        notes = findings.filter { $0.gravity != .problem }
        self.gateways = gateways
        self.problems = problems
        self.fault = fault
        self.now = now
        self.version = version
        self.refreshes = refreshes
    }

    /// The document.
    package func html() -> String {
        let isGood = findings.isEmpty && problems.isEmpty
        return HTML.page(isGood ? "Healthy" : "Needs an operator", refresh: refreshes) { html in
            html.tag("h1", [:], "Refunds")
            headline(isGood, &html)
            if !isGood { html.section("needs", "What needs you") { needs(&$0) } }
            if !notes.isEmpty {
                html.section("notes", "Worth knowing") { html in
                    html.tag("ul") { html in for note in notes { item(note, &html) } }
                }
            }
            html.section("waiting", "Money without a verdict") { waiting(&$0) }
            html.section("times", "How long verdicts take") { times(&$0) }
            html.section("peers", "Gateways and endpoints") { peers(&$0) }
            html.section("changes", "Latest changes") { changes(&$0) }
            html.section("search", "Find a refund") { $0.searchForm() }
            html.tag("footer") { footer(&$0) }
        }
    }

    // MARK: - Health

    private var sentence: String {
        if let problem = problems.first { return "Not working: \(text(of: problem))." }
        guard let first = findings.first else { return "Healthy: refunds are watched and nothing needs an operator." }
        let more = findings.count - 1
        let others = more == 0 ? "" : ", and \(more.counted("more problem", "more problems"))"
        return "Needs an operator: \(first.text)\(others)."
    }

    private func text(of problem: ReadinessProblem) -> String {
        guard problem != .schedulerStalled, let fault else { return problem.rawValue }
        return "\(problem.rawValue) (\(fault))"
    }

    private func headline(_ isGood: Bool, _ html: inout HTML) {
        html.tag("p", ["class": "health \(isGood ? "good" : "bad")", "role": "status"], sentence)
        html.tag("p", ["class": "dim"]) { html in
            html.text("As of ")
            html.tag("time", ["datetime": now.iso8601Seconds], now.iso8601Seconds)
            html.text(", refundd \(version). ")
            if refreshes {
                html.tag("a", ["href": "/?refresh=off"], "Stop refreshing every 10 s")
            } else {
                html.tag("a", ["href": "/"], "Refresh every 10 s")
            }
        }
    }

    private func served(_ html: inout HTML) {
        let daemons = overview.status.daemons
        guard !daemons.isEmpty else { return }
        html.tag("p", ["class": "dim"]) { html in
            let share = daemons.count > 1 ? ", each with 1/\(daemons.count) of the limits" : ""
            html.text("Served by \(daemons.count.counted("daemon", "daemons"))\(share): ")
            for (index, daemon) in daemons.enumerated() {
                html.text("\(index == 0 ? "" : "; ")\(daemon.host ?? "") (process \(daemon.pid)) since ")
                html.time(daemon.since, now: now)
            }
            for (index, gone) in overview.status.gone.enumerated() {
                html.text("\(index == 0 ? ". Taken over: " : "; ")\(gone.name) ")
                html.time(gone.at, now: now)
            }
            html.text(".")
        }
    }

    private func footer(_ html: inout HTML) {
        served(&html)
        html.tag("p", ["class": "dim"]) { html in
            let counts = RefundState.allCases.map { "\((overview.status.states[$0] ?? 0).grouped) \($0.rawValue)" }
            html.text("Refunds: \(counts.joined(separator: ", ")). Times are UTC. ")
            html.tag("a", ["href": "/metrics"], "Metrics")
        }
    }

    // MARK: - What needs an operator

    private func needs(_ html: inout HTML) {
        html.tag("ul") { html in
            for problem in problems {
                html.tag("li") { html in
                    html.text("\(text(of: problem)): ")
                    html.command("journalctl -u refundd -n 50")
                }
            }
            for finding in findings { item(finding, &html) }
        }
        for reason in Attention.allCases.sorted(by: { $0.gravity > $1.gravity }) {
            guard let refunds = overview.flagged[reason], !refunds.isEmpty else { continue }
            flagged(refunds, reason, &html)
        }
        let dead = overview.backlogs.filter { $0.dead > 0 }
        guard !dead.isEmpty else { return }
        html.tag("h3", [:], "Webhooks that were never accepted")
        html.table(
            "By endpoint; repair the receiver first",
            ["Endpoint", "Dead", "Last error", "To send the newest again", "To send all again"],
            dead.prefix(QueueOverview.listed).map { backlog in
                [
                    { $0.text(backlog.endpoint) }, { $0.text(counted(backlog.dead)) },
                    { $0.text(backlog.lastError ?? "") },
                    { $0.command("refundd redeliver \(backlog.newestDead ?? "")") },
                    { $0.command("refundd redeliver --dead") },
                ]
            }
        )
        rest(dead.count, of: "endpoints", "refundd webhooks --state dead", &html)
    }

    private func item(_ finding: Finding, _ html: inout HTML) {
        html.tag("li") { html in
            html.text(finding.command == nil ? finding.text : "\(finding.text): ")
            if let command = finding.command { html.command(command) }
        }
    }

    private func flagged(_ refunds: [Refund], _ reason: Attention, _ html: inout HTML) {
        let count = overview.status.attention[reason] ?? refunds.count
        html.tag("h3", [:], "\(count.counted("refund", "refunds")) \(reason.phrase)")
        html.table(
            "Attention \(reason.rawValue), oldest first",
            ["Order", "Age", "Amount", "Cause", "Command"],
            refunds.map { refund in
                [
                    { $0.link(refund.id, refund.number) }, { $0.time(refund.createdAt, now: now) },
                    { $0.text(refund.amount ?? "not given") }, { $0.text(AttentionAdvice(on: refund)?.cause ?? "") },
                    { html in
                        // A verdict has two outcomes, and which is right is for the operator to find out.
                        let commands = AttentionAdvice(on: refund)?.commands ?? []
                        let isVerdict = commands.first?.hasPrefix("refundd resolve") == true
                        for command in commands.prefix(isVerdict ? 2 : 1) { html.command(command) }
                    },
                ]
            }
        )
        rest(count, of: "refunds", "refundd list --attention", &html)
    }

    private func rest(_ count: Int, of what: String, _ command: String, _ html: inout HTML) {
        guard count > QueueOverview.listed else { return }
        html.tag("p") { html in
            html.text("\((count - QueueOverview.listed).grouped) more \(what): ")
            html.command(command)
        }
    }

    private func counted(_ count: Int) -> String {
        count >= EndpointBacklog.counted ? "\(count.grouped) or more" : count.grouped
    }

    // MARK: - Money and time

    private func waiting(_ html: inout HTML) {
        let currencies = overview.waiting.currencies.sorted { $0.key < $1.key }
        guard !currencies.isEmpty else { return html.tag("p", [:], "No refund waits for a verdict.") }
        let counts = WaitingMoney.ages.indices.map { age in currencies.reduce(0) { $0 + $1.value[age].count } }
        html.ageChart(counts)
        html.table(
            "Sum and number of refunds by currency and age",
            ["Currency"] + WaitingMoney.ages,
            currencies.map { currency, amounts in
                [{ $0.text(currency.isEmpty ? "amount not given" : currency) }]
                    + amounts.map { amount in
                        { html in
                            guard amount.count > 0 else { return html.tag("span", ["class": "dim"], "–") }
                            let refunds = amount.count.counted("refund", "refunds")
                            html.text(currency.isEmpty ? refunds : "\(amount.sum.grouped) (\(refunds))")
                        }
                    }
            }
        )
        guard overview.waiting.isPartial else { return }
        let summed = counts.reduce(0, +)
        let left = overview.status.openCount - summed
        html.tag(
            "p",
            ["class": "dim"],
            "The \(summed.grouped) oldest by state are summed; \(left.grouped) younger ones are left out."
        )
    }

    private func times(_ html: inout HTML) {
        let gateways = overview.settleTimes.sorted { $0.key < $1.key }.compactMap { name, times in
            SettleTimes(times).map { (name: name, times: $0) }
        }
        guard !gateways.isEmpty else { return html.tag("p", [:], "No verdict in the last 30 days.") }
        html.settleChart(gateways)
        html.table(
            "From enqueueing to the gateway's verdict, in the latest changes of the last 30 days",
            ["Gateway", "Verdicts", "Median", "90% within", "99% within"],
            gateways.map { gateway in
                [
                    { $0.text(gateway.name) }, { $0.text(gateway.times.count.grouped) },
                    { $0.text(gateway.times.median.inWords) }, { $0.text(gateway.times.p90.inWords) },
                    { $0.text(gateway.times.p99.inWords) },
                ]
            }
        )
    }

    // MARK: - Peers and changes

    private func peers(_ html: inout HTML) {
        let status = overview.status
        html.table(
            "Gateways",
            ["Gateway", "State", "Last verified answer", "Last error", "Due for"],
            gateways.map { name in
                [
                    { $0.text(name) }, { condition(of: name, &$0) },
                    { html in
                        guard let time = status.sightings[name]?.lastVerified else { return html.text("none yet") }
                        html.time(time, now: now)
                    },
                    { html in
                        guard let error = status.sightings[name]?.lastError else { return html.text("–") }
                        html.text("\(error) ")
                        if let time = status.sightings[name]?.lastErrorAt { html.time(time, now: now) }
                    },
                    { $0.text(status.dueLags[name].map { $0 > .zero ? $0.inWords : "–" } ?? "–") },
                ]
            }
        )
        let paused = status.pauses.keys.filter { $0.kind == .endpoint }.map(\.name)
        let open = Dictionary(status.endpoints.open.map { ($0.endpoint, $0.breaker) }) { first, _ in first }
        let refusing = Dictionary(status.endpoints.refusals.map { ($0.endpoint, $0) }) { first, _ in first }
        let named = Set(overview.backlogs.map(\.endpoint))
        let others = Set(paused + open.keys).subtracting(named).sorted()
        let endpoints = overview.backlogs + others.map(EndpointBacklog.init)
        guard !endpoints.isEmpty else { return html.tag("p", [:], "Every webhook was accepted.") }
        html.table(
            "Endpoints with undelivered webhooks",
            ["Endpoint", "State", "Waiting", "Dead"],
            endpoints.prefix(50).map { endpoint in
                [
                    { $0.text(endpoint.endpoint) },
                    { html in
                        if let pause = status.pauses[.endpoint(endpoint.endpoint)] {
                            return html.alert("paused", since: pause.since, pause.detail, now: now)
                        }
                        guard let breaker = open[endpoint.endpoint] else {
                            guard let refusal = refusing[endpoint.endpoint] else { return html.text("sending") }
                            return html.alert("refusing", since: refusal.since, ": \(refusal.reason)", now: now)
                        }
                        html.alert("only probed", since: breaker.since, ": \(breaker.reason)", now: now)
                    },
                    { $0.text(counted(endpoint.waiting)) }, { $0.text(counted(endpoint.dead)) },
                ]
            }
        )
    }

    private func condition(of gateway: String, _ html: inout HTML) {
        let condition = overview.status.condition(of: gateway)
        guard !condition.isFine else { return html.text(condition.kind.rawValue) }
        html.alert(condition.kind.rawValue, since: condition.since, condition.detail, now: now)
        guard let probe = condition.breaker?.nextProbe else { return }
        guard probe > now else { return html.text("; next probe due now") }
        html.text("; next probe ")
        html.time(probe, now: now)
    }

    private func changes(_ html: inout HTML) {
        guard !overview.changes.isEmpty else { return html.tag("p", [:], "Nothing has changed yet.") }
        html.table(
            "The newest 20 changes",
            ["When", "Order", "Change", "Gateway", "By"],
            overview.changes.map { change in
                [
                    { $0.time(change.at, now: now) }, { $0.link(change.refundID, change.number) },
                    { html in
                        if change.from != change.to { html.text("\(change.from) → ") }
                        html.state(change.to)
                        if let attention = change.attention {
                            html.text(", ")
                            html.tag("span", ["class": "alert"], "needs attention: \(attention)")
                        }
                    },
                    { $0.text(change.gateway) }, { $0.text(change.actor) },
                ]
            }
        )
    }
}

extension HTML {
    /// A condition that is not as it should be, since when, and what there is to say of it.
    fileprivate mutating func alert(_ word: String, since: Timestamp?, _ detail: String, now: Timestamp) {
        tag("span", ["class": "alert"], word)
        if let since {
            text(" since ")
            time(since, now: now)
        }
        text(detail)
    }
}
