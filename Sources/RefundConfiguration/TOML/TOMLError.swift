/// Why a text is not TOML, or beyond what is read of it.
struct TOMLError: Error {
    /// How many bytes of the text come before the place.
    let index: Int
    /// What is wrong, as the end of a sentence.
    ///
    /// It never repeats the text, which may be a secret.
    let problem: String
    /// What to change.
    let remedy: String

    /// The place in the text, counted in Unicode scalars as editors do.
    func position(in bytes: [UInt8]) -> ConfigurationError.Position {
        let before = bytes[..<min(index, bytes.count)]
        let line = before.suffix { $0 != UInt8(ascii: "\n") }
        return ConfigurationError.Position(
            line: before.count { $0 == UInt8(ascii: "\n") } + 1,
            column: String(decoding: line, as: UTF8.self).unicodeScalars.count + 1
        )
    }
}

extension ArraySlice {
    /// The longest end of this slice whose elements all satisfy a condition.
    fileprivate func suffix(_ condition: (Element) -> Bool) -> ArraySlice {
        self[(lastIndex { !condition($0) }.map { $0 + 1 } ?? startIndex)...]
    }
}
