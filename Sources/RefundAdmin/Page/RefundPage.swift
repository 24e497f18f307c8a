package import RefundCore
package import RefundStore

/// One refund: its numbers, what happened to it, and what comes next.
///
/// Like ``OverviewPage``, it shows neither metadata nor bodies nor the paths of URLs.
package struct RefundPage: Sendable {
    var record: RefundRecord
    var outlook: Outlook

    /// Creates a page.
    ///
    /// - Parameters:
    ///   - record: The refund.
    ///   - outlook: What decides when it is queried next, and its webhooks are sent.
    package init(_ record: RefundRecord, _ outlook: Outlook) {
        self.record = record
        self.outlook = outlook
    }

    private var now: Timestamp { outlook.now }

    private var refund: Refund { record.refund }

    /// The document.
    package func html() -> String {
        HTML.page("Refund \(refund.number)") { html in
            html.tag("h1") { html in
                html.text("Refund \(refund.number): ")
                html.state(refund.state.rawValue)
            }
            if let attention = refund.attention {
                html.tag("p", ["class": "health bad"], "Needs an operator: \(attention.phrase).")
            }
            html.section("facts", "Numbers and amounts", facts)
            html.section("next", "What comes next", next)
            html.section("history", "History", history)
            html.section("commands", "Commands", commands)
            html.section("search", "Find a refund") { $0.searchForm() }
        }
    }

    private func facts(_ html: inout HTML) {
        let transaction = refund.transaction
        let facts: [(String, String?)] = [
            ("Row", "#\(refund.id)"), ("Gateway", refund.gateway), ("Merchant", refund.merchantNo),
            ("Order number (merchant_order_no)", refund.merchantOrderNo),
            ("Gateway's number (trans_no)", refund.transNo ?? transaction?.transNo),
            ("Number of the sale (orig_trans_no)", transaction?.origTransNo),
            ("Bank's reference (pay_channel_trans_no)", transaction?.payChannelTransNo),
            ("Expected amount", refund.expected.map { "\($0.amount) \($0.currency)" }),
            ("Amount that the gateway reports", refund.reported),
            ("Ended at the gateway", transaction?.endAt?.iso8601Seconds),
            ("Failure", refund.failure.map { "\($0.code) \($0.message ?? "")" }),
        ]
        html.tag("dl") { html in
            for case (let name, let value?) in facts {
                html.tag("dt", [:], name)
                html.tag("dd", [:], value)
            }
        }
    }

    private func next(_ html: inout HTML) {
        html.tag("p") { html in
            html.text("\(refund.attempts) \(refund.attempts == 1 ? "query" : "queries") sent")
            if let last = refund.lastQueryAt {
                html.text(", the last ")
                html.time(last, now: now)
            }
            html.text(refund.lastError.map { ": \($0)." } ?? ".")
        }
        html.tag("p") { html in
            switch outlook.nextQuery(refund) {
            case .none: html.text("The state is final: no more queries.")
            case .inFlight: html.text("A query is in flight.")
            case .now: html.text("The next query is due now.")
            case .scheduled(let time):
                html.text("The next query is due ")
                html.time(time, now: now)
                html.text(".")
            case .held(let hold):
                held(hold, "Held back", &html)
                html.text(".")
            }
        }
    }

    private func held(_ hold: Hold, _ words: String, _ html: inout HTML) {
        html.text("\(words): \(hold.reason)")
        guard let until = hold.until else { return }
        html.text(", next probe ")
        until > now ? html.time(until, now: now) : html.text("now")
    }

    // MARK: - History

    private func history(_ html: inout HTML) {
        var entries: [(at: Timestamp, content: (inout HTML) -> Void)] = [(refund.createdAt, { $0.text("enqueued") })]
        for row in record.ledger { entries.append((row.at, { change(row, &$0) })) }
        for webhook in record.webhooks { entries.append((webhook.row.createdAt, { self.webhook(webhook, &$0) })) }
        for action in record.actions {
            entries.append((action.at, { $0.text("\(action.action) by \(action.actor)") }))
        }
        let sorted = entries.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
        html.tag("ol", ["class": "timeline"]) { html in
            for (_, entry) in sorted {
                html.tag("li") { html in
                    html.time(entry.at, now: now)
                    html.text(" ")
                    entry.content(&html)
                }
            }
        }
    }

    private func change(_ row: LedgerRow, _ html: inout HTML) {
        if row.from != row.to { html.text("\(row.from) → ") }
        html.state(row.to)
        if let attention = row.attention {
            html.text(", ")
            html.tag("span", ["class": "alert"], "needs attention: \(attention)")
        } else if row.from == row.to {
            html.text(", attention cleared")
        }
        let causes = row.causes + [row.reason].compactMap(\.self)
        if !causes.isEmpty { html.text(": \(causes.joined(separator: "; "))") }
    }

    private func webhook(_ webhook: (row: WebhookRow, attempts: [AttemptRow]), _ html: inout HTML) {
        let endpoint = HTTPURL.endpoint(of: webhook.row.url)
        html.text("webhook \(webhook.row.type) to \(endpoint): \(webhook.row.state) (\(webhook.row.id))")
        html.tag("ul") { html in
            for attempt in webhook.attempts {
                html.tag("li") { html in
                    html.time(attempt.at, now: now)
                    let result = attempt.error?.asClause ?? attempt.status.map { "HTTP \($0)" } ?? "no response"
                    let duration = attempt.durationMilliseconds.map { ", \($0) ms" } ?? ""
                    html.text(" \(result)\(duration)")
                }
            }
            if let time = webhook.row.prunedAt {
                html.tag("li") { html in
                    html.text("body and attempts pruned ")
                    html.time(time, now: now)
                }
            }
            nextAttempt(outlook.nextAttempt(webhook.row), &html)
        }
    }

    private func nextAttempt(_ next: NextStep, _ html: inout HTML) {
        if case .none = next { return }
        html.tag("li") { html in
            switch next {
            case .none: break
            case .inFlight: html.text("an attempt is in flight")
            case .now: html.text("next attempt due now")
            case .scheduled(let time):
                html.text("next attempt ")
                html.time(time, now: now)
            case .held(let hold): held(hold, "held back", &html)
            }
        }
    }

    private func commands(_ html: inout HTML) {
        var commands = [("Everything, with the receivers' answers", "refundd show \(refund.argument)")]
        if !refund.state.isFinal {
            commands.append(("Query the gateway now", "refundd query \(refund.argument)"))
            if refund.attention != nil {
                for outcome in ["settled", "failed"] {
                    let resolve = "refundd resolve \(refund.argument) --as \(outcome) --reason TEXT"
                    commands.append(("Record yourself that it \(outcome)", resolve))
                }
            }
            commands.append(("Stop watching it", "refundd abandon \(refund.argument) --reason TEXT"))
        }
        for (row, _) in record.webhooks where row.state == WebhookState.dead.rawValue {
            commands.append(("Send the webhook again", "refundd redeliver \(row.id)"))
        }
        html.tag("dl") { html in
            for (purpose, command) in commands {
                html.tag("dt", [:], purpose)
                html.tag("dd") { $0.command(command) }
            }
        }
    }
}

/// The refunds that a search found.
package struct SearchPage: Sendable {
    // An abandoned refund frees its order number, so a search may find many; nobody reads more than this.
    private static let shown = 50

    var text: String
    var refunds: [Refund]
    var now: Timestamp

    /// Creates a page.
    ///
    /// - Parameters:
    ///   - text: What was looked for.
    ///   - refunds: What was found.
    ///   - now: The current time.
    package init(_ text: String, found refunds: [Refund], now: Timestamp) {
        self.text = text
        self.refunds = refunds
        self.now = now
    }

    /// The document.
    package func html() -> String {
        HTML.page("Search") { html in
            html.tag("h1", [:], "Find a refund")
            html.searchForm(text)
            guard !text.isEmpty else { return }
            guard !refunds.isEmpty else { return html.tag("p", ["role": "status"], "No refund has this number.") }
            html.table(
                refunds.count == 1 ? "One refund" : "\(refunds.count) refunds",
                ["Order", "State", "Age", "Amount", "Gateway"],
                refunds.prefix(Self.shown).map { refund in
                    [
                        { $0.link(refund.id, refund.number) }, { $0.state(refund.state.rawValue) },
                        { $0.time(refund.createdAt, now: now) }, { $0.text(refund.amount ?? "not given") },
                        { $0.text(refund.gateway) },
                    ]
                }
            )
        }
    }
}
