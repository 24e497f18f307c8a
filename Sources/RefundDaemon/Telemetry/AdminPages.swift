import RefundAdmin
import RefundCore
import RefundScheduler
import RefundStore
import Synchronization

/// Reads and renders the pages of the admin address; blocks on the database.
struct AdminPages: Sendable {
    let store: any QueueStore
    let registry: MetricRegistry
    let readiness: Readiness
    let clock: any WallClock
    let space: @Sendable () -> [Finding]

    /// Renders a page.
    func page(_ request: AdminPageRequest) -> AdminPage {
        do throws(StoreError) {
            return try store.read { tx throws(StoreError) in try page(request, tx) }
        } catch {
            return .unavailable
        }
    }

    private func page(_ request: AdminPageRequest, _ tx: any QueueReader) throws(StoreError) -> AdminPage {
        let now = clock.now()
        switch request {
        case .overview(let refreshes):
            let overview = try tx.overview(at: now)
            let page = OverviewPage(
                overview,
                findings: findings(overview.status, at: now),
                gateways: registry.gateways,
                problems: readiness.problems(),
                fault: readiness.scheduler.fault?.reason,
                now: now,
                version: Version.current,
                refreshes: refreshes
            )
            return .html(page.html())
        case .refund(let id):
            guard let refund = try tx.refund(id: id)?.refund else { return .notFound }
            return .html(RefundPage(try RefundRecord(of: refund, tx), try Outlook(tx, at: now)).html())
        case .search(let text):
            let found = try refunds(text, tx)
            if found.count == 1 { return .refund(found[0].id) }
            return .html(SearchPage(text, found: found, now: now).html())
        }
    }

    // The same judgement as the command `status`, which also asks the daemon whether it is ready.
    private func findings(_ status: QueueStatus, at now: Timestamp) -> [Finding] {
        QueueReport(ofDaemonWith: status, at: now, gateways: registry.gateways, space: space()).findings
    }

    private func refunds(_ text: String, _ tx: any QueueReader) throws(StoreError) -> [Refund] {
        let number = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard !number.isEmpty else { return [] }
        if number.hasPrefix("#") {
            guard let id = Int64(number.dropFirst()) else { return [] }
            return try [tx.refund(id: id)?.refund].compactMap(\.self)
        }
        let found = try tx.refunds(RefundSelector(.number(number)))
        guard found.isEmpty, let id = try tx.refundID(ofWebhook: number) else { return found }
        return try [tx.refund(id: id)?.refund].compactMap(\.self)
    }
}

/// The host names under which the admin address is served; a reload replaces them.
final class AdminHosts: Sendable {
    private let storage: Mutex<[String]>

    init(_ names: [String]) {
        storage = Mutex(names)
    }

    var names: [String] {
        get { storage.withLock { $0 } }
        set { storage.withLock { $0 = newValue } }
    }
}
