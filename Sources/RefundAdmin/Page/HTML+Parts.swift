import RefundCore

/// The parts that pages are made of.
extension HTML {
    /// A whole page.
    ///
    /// - Parameters:
    ///   - title: The title, without the program's name.
    ///   - refresh: Whether the page reloads itself every ten seconds.
    ///   - content: The content of `main`.
    /// - Returns: The document.
    static func page(_ title: String, refresh: Bool = false, _ content: (inout HTML) -> Void) -> String {
        var html = HTML()
        html.tag("html", ["lang": "en"]) { html in
            html.tag("head") { html in
                html.void("meta", ["charset": "utf-8"])
                html.void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
                html.void("meta", ["name": "color-scheme", "content": "light dark"])
                html.void("meta", ["name": "robots", "content": "noindex"])
                if refresh { html.void("meta", ["http-equiv": "refresh", "content": "10"]) }
                html.tag("title", [:], "\(title) – refundd")
                html.void("link", ["rel": "stylesheet", "href": "/style.css"])
            }
            html.tag("body") { html in
                html.tag("a", ["class": "skip", "href": "#main"], "Skip to the content")
                html.tag("header") { html in
                    html.tag("nav", ["aria-label": "refundd"]) { html in
                        html.tag("a", ["class": "home", "href": "/"], "refundd")
                        html.tag("a", ["href": "/search"], "Find a refund")
                    }
                }
                html.tag("main", ["id": "main"], content)
            }
        }
        return "<!DOCTYPE html>\n\(html.source)\n"
    }

    /// A section with a heading.
    mutating func section(_ id: String, _ title: String, _ content: (inout HTML) -> Void) {
        tag("section", ["aria-labelledby": id]) { html in
            html.tag("h2", ["id": id], title)
            content(&html)
        }
    }

    /// A table; on a narrow screen each row becomes a card with the names of its columns.
    mutating func table(_ caption: String, _ columns: [String], _ rows: [[(inout HTML) -> Void]]) {
        tag("table") { html in
            html.tag("caption", [:], caption)
            html.tag("thead") { html in
                html.tag("tr") { html in
                    for column in columns { html.tag("th", ["scope": "col"], column) }
                }
            }
            html.tag("tbody") { html in
                for row in rows {
                    html.tag("tr") { html in
                        for (column, cell) in zip(columns, row) { html.tag("td", ["data-label": column], cell) }
                    }
                }
            }
        }
    }

    /// A command to copy: one click selects all of it.
    mutating func command(_ command: String) {
        tag("code", ["class": "command"], command)
    }

    /// A time as an age, with the exact one as a title.
    mutating func time(_ time: Timestamp, now: Timestamp) {
        let age = now.duration(since: time)
        let text = age < .zero ? "in \((Duration.zero - age).inWords)" : "\(age.inWords) ago"
        tag("time", ["datetime": time.iso8601Seconds, "title": time.iso8601Seconds], text)
    }

    /// A link to a refund.
    mutating func link(_ refund: Int64, _ number: String) {
        tag("a", ["href": "/refunds/\(refund)"], number.isEmpty ? "#\(refund)" : number)
    }

    /// A state, in a colour of its own.
    mutating func state(_ state: String) {
        tag("span", ["class": "state \(RefundState(rawValue: state)?.rawValue ?? "")"], state)
    }

    /// The form that looks for a refund.
    mutating func searchForm(_ value: String = "") {
        tag("form", ["action": "/search", "method": "get", "role": "search"]) { html in
            html.tag("label", ["for": "q"], "Order number, trans_no, #id or webhook id")
            html.void(
                "input",
                ["type": "search", "id": "q", "name": "q", "value": value, "maxlength": "100", "autocomplete": "off"]
            )
            html.tag("button", ["type": "submit"], "Find")
        }
    }
}

extension Duration {
    /// The duration in its two largest units, such as `3 d 4 h`, `5 min` or `12 s`.
    var inWords: String {
        let seconds = max(wholeMilliseconds / 1_000, 0)
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60)
        if days > 0 { return hours > 0 && days < 10 ? "\(days) d \(hours) h" : "\(days) d" }
        if hours > 0 { return minutes > 0 ? "\(hours) h \(minutes) min" : "\(hours) h" }
        return minutes > 0 ? "\(minutes) min" : "\(seconds) s"
    }
}

extension Refund {
    /// The expected amount, or else the one that the gateway reports.
    var amount: String? {
        if let expected { return "\(expected.amount) \(expected.currency)" }
        return reported
    }
}
