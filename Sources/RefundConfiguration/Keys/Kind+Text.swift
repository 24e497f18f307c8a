extension Kind {
    /// Text with a meaning of its own.
    ///
    /// - Parameters:
    ///   - expected: What belongs there, such as `a duration`.
    ///   - example: A text of this kind.
    ///   - show: The text as a message may carry it, or nil when it may be a secret.
    ///   - read: Gives the text its meaning.
    ///   - write: The text that has this meaning.
    /// - Returns: The kind.
    static func text(
        _ expected: String,
        example: String,
        show: @escaping @Sendable (String) -> String? = { $0.quoted },
        read: @escaping @Sendable (String) throws(Refusal) -> Value,
        write: @escaping @Sendable (Value) -> String
    ) -> Kind {
        Kind(
            read: { (raw) throws(Refusal) in
                guard let text = raw.text else {
                    throw raw.refusal(expected: "\(expected) in quotes", remedy: "write it as in \"\(example)\"")
                }
                do throws(Refusal) {
                    return try read(text)
                } catch {
                    throw error.showing(show(text))
                }
            },
            write: { write($0).quoted }
        )
    }

    /// This kind of text, or the empty text for none.
    var orEmpty: Kind<Value?> {
        Kind<Value?>(
            read: { (raw) throws(Refusal) in raw.text == "" ? nil : try read(raw) },
            write: { $0.map(write) ?? "\"\"" }
        )
    }
}

extension Kind where Value == String {
    /// A number or name that the gateway gave out, which is text to us.
    static func identifier(example: String) -> Kind {
        // Source: https://developer.codepay.us/docs/CloudAPI (common members).
        let longest = 32
        return .text(
            "text",
            example: example,
            read: { (text) throws(Refusal) in
                guard !text.isEmpty else { throw Refusal("is empty", "write what the gateway's portal shows") }
                guard text.unicodeScalars.count <= longest else {
                    throw Refusal("has more than \(longest) characters", "write what the gateway's portal shows")
                }
                guard !text.hasControlCharacter else {
                    throw Refusal("has a control character", "write what the gateway's portal shows")
                }
                return text
            },
            write: { $0 }
        )
    }
}

extension Kind where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of a few words.
    static func choice(of expected: String, example: Value) -> Kind {
        let words = Value.allCases.map(\.rawValue)
        return .text(
            expected,
            example: example.rawValue,
            read: { (text) throws(Refusal) in
                if let value = Value(rawValue: text) { return value }
                let hint = Suggestion.closest(to: text, among: words).map { "did you mean \"\($0)\"? " } ?? ""
                throw Refusal("is not known", "\(hint)use one of \(words.joined(separator: ", "))")
            },
            write: \.rawValue
        )
    }
}
