/// A request for a page.
package enum AdminPageRequest: Hashable, Sendable {
    /// The front page.
    case overview(refreshes: Bool)
    /// The page of the refund with an id.
    case refund(Int64)
    /// The refunds with a number, a row's id after `#`, or a webhook's id.
    case search(String)

    /// Creates the request for a page; nil if there is no page at the request's path.
    init?(_ request: AdminRequest) {
        switch request.path {
        case "/": self = .overview(refreshes: request.parameter("refresh") != "off")
        case "/search": self = .search(request.parameter("q") ?? "")
        default:
            let parts = request.path.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[1] == "refunds", let id = Int64(parts[2]), "\(id)" == parts[2] else {
                return nil
            }
            self = .refund(id)
        }
    }
}

/// The answer to a request for a page.
package enum AdminPage: Hashable, Sendable {
    /// A document.
    case html(String)
    /// The page of a refund.
    case refund(Int64)
    /// There is no such refund.
    case notFound
    /// The database cannot be read.
    case unavailable

    var response: AdminResponse {
        switch self {
        case .html(let html): return AdminResponse(status: 200, type: Self.type, body: html)
        case .refund(let id): return AdminResponse(status: 303, body: "", location: "/refunds/\(id)")
        case .notFound: return Self.notice(404, "No such refund", "There is no refund with this id.")
        case .unavailable:
            let remedy = "The log says why: journalctl -u refundd -n 50"
            return Self.notice(503, "Not working: the database cannot be read", remedy)
        }
    }

    private static let type = "text/html; charset=utf-8"

    private static func notice(_ status: Int, _ title: String, _ text: String) -> AdminResponse {
        let html = HTML.page(title) { html in
            html.tag("h1", [:], title)
            html.tag("p", ["role": "status"], text)
        }
        return AdminResponse(status: status, type: type, body: html)
    }
}
