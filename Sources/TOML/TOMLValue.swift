/// A value of a TOML document.
package enum TOMLValue: Hashable, Sendable {
    case string(String)
    case integer(Int)
    case float(Double)
    case boolean(Bool)
    /// A date or a time, recognised but not parsed: no key of refundd takes one.
    case dateTime
    case array([TOMLValue])
    case table([String: TOMLValue])
}

/// The error in a text that is not TOML, or not in the supported part of TOML.
package struct TOMLError: Error, Hashable, Sendable {
    /// The kinds of mistakes, with the messages as raw values.
    ///
    /// A message never contains the text, which may hold a secret.
    package enum Problem: String, Sendable {
        case expectedKey = "expected a key of letters, digits, _ and -"
        case expectedEquals = "expected = after the key"
        case expectedHeaderEnd = "expected ] after the section's name"
        case expectedValue = "expected a value; text needs double quotes"
        case invalidValue = "expected true, false, a number or text in double quotes"
        case expectedLineEnd = "expected the end of the line"
        case numberTooLarge = "the number does not fit into 64 bits"
        case unterminatedString = "the closing quotes are missing"
        case unterminatedArray = "expected a comma or ] in the array"
        case unterminatedTable = "expected a comma or } in the inline table"
        case duplicateKey = "the key is already defined"
        case duplicateSection = "the section is already defined; put all its keys in one place"
        case arrayOfTables = "arrays of tables, [[name]], are not supported"
        case nestingTooDeep = "values are nested more than 16 levels deep"
        case keyTooLong = "the key has more than 16 parts"
        case controlCharacter = #"control characters must be escaped, as in "\u0007""#
        case controlCharacterInComment = "control characters are not allowed in comments"
        case unknownEscape = #"unknown escape; write \\ for a backslash, or use single quotes"#
        case invalidScalar = #"expected \u with four or \U with eight hexadecimal digits of a character"#
    }

    /// The kind of mistake.
    package let problem: Problem
    /// The line of the mistake, from 1.
    package let line: Int
    /// The column of the mistake, from 1, counted in Unicode scalars as editors do.
    package let column: Int

    /// Creates an error at a byte of a text.
    init(_ problem: Problem, at index: Int, in bytes: [UInt8]) {
        let before = bytes[..<min(index, bytes.count)]
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        self.problem = problem
        line = before.count { $0 == UInt8(ascii: "\n") } + 1
        column = String(decoding: before[lineStart...], as: UTF8.self).unicodeScalars.count + 1
    }
}
