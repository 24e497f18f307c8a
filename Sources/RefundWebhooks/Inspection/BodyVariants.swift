import RefundCore

/// What programs do to a body between its signing and its verification.
enum BodyVariants {
    /// A body that may have been signed, with how it differs from the one that arrived; nil for that one itself.
    typealias Variant = (mistake: SignatureMistake?, body: [UInt8])

    /// All bodies worth trying, the one that arrived first.
    static func all(of body: [UInt8]) -> [Variant] {
        var variants: [Variant] = [(nil, body)]
        var known: Set<[UInt8]> = [body]
        func add(_ mistake: SignatureMistake, _ variant: [UInt8]) {
            if known.insert(variant).inserted { variants.append((mistake, variant)) }
        }
        let stripped = Array(body.reversed().drop { $0 == 0x0A || $0 == 0x0D }.reversed())
        add(.lineBreakAdded, stripped)
        add(.lineBreakRemoved, body + [0x0A])
        add(.lineBreakRemoved, body + [0x0D, 0x0A])
        add(.lineEndsChanged, withLineEnds(body, "\n"))
        add(.lineEndsChanged, withLineEnds(body, "\r\n"))
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        add(.byteOrderMark, body.starts(with: mark) ? Array(body.dropFirst(mark.count)) : mark + body)
        let text = stripped.starts(with: mark) ? Array(stripped.dropFirst(mark.count)) : stripped
        if let tree = JSONTree(text) {
            for (mistake, variant) in layouts(of: tree) { add(mistake, Array(variant.utf8)) }
        }
        add(.emptyBody, [])
        return variants
    }

    private static func withLineEnds(_ body: [UInt8], _ end: String) -> [UInt8] {
        let lines = body.split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { $0.last == 0x0D ? $0.dropLast() : $0 }
        return Array(lines.joined(separator: end.utf8))
    }

    private static func layouts(of tree: JSONTree) -> [(SignatureMistake, String)] {
        let python = JSONTree.Layout(afterComma: " ", afterColon: " ", string: escapedToASCII)
        let php = JSONTree.Layout(string: { escapedToASCII($0).replacing("/", with: "\\/") })
        var layouts: [(SignatureMistake, String)] = [
            (.reserialized, tree.written(as: .init())), (.reserialized, tree.ordered(names).written(as: .init())),
            (.reserialized, tree.written(as: .init(afterComma: " ", afterColon: " "))),
            (.reserialized, tree.written(as: python)), (.reserialized, tree.written(as: php)),
            (.keysSorted, tree.sorted.written(as: .init())), (.keysSorted, tree.sorted.written(as: python)),
        ]
        for indent in ["  ", "    ", "\t"] {
            layouts.append((.prettyPrinted, tree.written(as: .init(afterColon: " ", indent: indent))))
        }
        return layouts
    }

    // The order in which refundd writes them. No two objects of an event share a name in another order.
    private static let names: [String] = {
        let now = Timestamp(milliseconds: 0)
        let bodies = [EventType.failed, .gatewayNeedsAttention].map { SampleEvent.body($0, at: now) }
        return bodies.compactMap { try? JSONObject(parsing: $0) }.flatMap { body in
            let data: JSONObject? =
                if case .object(let text)? = body["data"] { try? JSONObject(parsing: text) } else { nil }
            return (body.members + (data?.members ?? [])).map(\.name)
        } + ["code", "message"]
    }()

    @Sendable private static func escapedToASCII(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            scalar.isASCII
                ? String(scalar)
                : String(scalar).utf16.map { "\\u" + String(0x1_0000 + UInt32($0), radix: 16).dropFirst() }.joined()
        }.joined()
    }
}
