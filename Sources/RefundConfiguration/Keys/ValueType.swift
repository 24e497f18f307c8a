import RefundCore
import TOML

/// A value as written, not yet parsed.
enum ConfigurationValue {
    /// A value from the file.
    case file(TOMLValue)
    /// The text of an environment variable, parsed as the type of its key.
    case variable(String)

    var text: String? {
        switch self {
        case .file(.string(let text)), .variable(let text): text
        case .file: nil
        }
    }

    var integer: Int? {
        switch self {
        case .file(.integer(let number)): number
        case .variable(let text): Int(text)
        case .file: nil
        }
    }

    var number: Double? {
        switch self {
        case .file(.integer(let number)): Double(number)
        case .file(.float(let number)): number
        case .variable(let text): Double(text)
        case .file: nil
        }
    }

    /// The elements of an array; an environment variable separates them with commas.
    var elements: [ConfigurationValue]? {
        switch self {
        case .file(.array(let values)): return values.map(ConfigurationValue.file)
        case .file: return nil
        case .variable(let text):
            guard text.contains(where: { !$0.isWhitespace }) else { return [] }
            return text.split(separator: ",", omittingEmptySubsequences: false).map { part in
                let start = part.drop(while: \.isWhitespace)
                let end = start.lastIndex { !$0.isWhitespace }.map(start.index(after:)) ?? start.startIndex
                return .variable(String(start[..<end]))
            }
        }
    }

    /// The value for a message when a text is out of place; nil for the file's own text, which may be a secret.
    var shown: String? {
        switch self {
        case .variable(let text): text.quoted
        case .file(.integer(let number)): "\(number)"
        case .file(.float(let number)): "\(number)"
        case .file(.boolean(let boolean)): "\(boolean)"
        default: nil
        }
    }
}

/// The type of a key's values.
struct ValueType<Value: Sendable>: Sendable {
    /// Reads a value; file names become absolute.
    let read: @Sendable (ConfigurationValue, FileLocator) throws(InvalidValue) -> Value
}

extension ValueType {
    /// A text that is parsed further.
    ///
    /// - Parameters:
    ///   - expected: A description with an example, such as `a duration such as "5s"`.
    ///   - show: Returns the text as a message may show it; nil if it may be a secret.
    ///   - parse: Parses the text; nil if it has another form.
    /// - Returns: The type.
    static func text(
        _ expected: String,
        show: @escaping @Sendable (String) -> String? = { $0.quoted },
        parse: @escaping @Sendable (String, FileLocator) throws(InvalidValue) -> Value?
    ) -> ValueType {
        ValueType { (value, files) throws(InvalidValue) in
            guard let text = value.text else { throw InvalidValue("expected \(expected)", value: value.shown) }
            do throws(InvalidValue) {
                if let result = try parse(text, files) { return result }
            } catch {
                throw InvalidValue(error.message, error.code, value: show(text))
            }
            throw InvalidValue("expected \(expected)", value: show(text))
        }
    }

    /// The same type, or an empty text for none.
    var orEmpty: ValueType<Value?> {
        ValueType<Value?> { (value, files) throws(InvalidValue) in
            value.text == "" ? nil : try read(value, files)
        }
    }

    /// An array of this type.
    ///
    /// - Parameters:
    ///   - noun: The plural noun for the elements.
    ///   - count: The allowed number of elements.
    /// - Returns: The type.
    func array(of noun: String, count: ClosedRange<Int> = 0...Int.max) -> ValueType<[Value]> {
        ValueType<[Value]> { (value, files) throws(InvalidValue) in
            guard let elements = value.elements else {
                throw InvalidValue("expected an array of \(noun)", value: value.shown)
            }
            guard count.contains(elements.count) else {
                let bounds = count.lowerBound == 0 ? "at most" : "\(count.lowerBound) to"
                throw InvalidValue("expected \(bounds) \(count.upperBound) \(noun), found \(elements.count)")
            }
            var values: [Value] = []
            for (index, element) in elements.enumerated() {
                do throws(InvalidValue) {
                    values.append(try read(element, files))
                } catch {
                    let element = error.value.map { " (\($0))" } ?? ""
                    throw InvalidValue("element \(index + 1)\(element): \(error.message)", error.code)
                }
            }
            return values
        }
    }
}

extension ValueType where Value == Int {
    static func integer(in range: ClosedRange<Int>) -> ValueType {
        ValueType { (value, _) throws(InvalidValue) in
            guard let number = value.integer, range.contains(number) else {
                let expected = "expected an integer from \(range.lowerBound) to \(range.upperBound)"
                throw InvalidValue(expected, value: value.shown)
            }
            return number
        }
    }
}

extension ValueType where Value == Double {
    static let factor = number("of at least 1, such as 2.0") { $0 >= 1 }
    static let fraction = number("from 0 to below 1, such as 0.1") { (0..<1).contains($0) }
    static let positive = number("above 0, such as 20.0") { $0 > 0 }

    /// A finite number.
    private static func number(_ bounds: String, isValid: @escaping @Sendable (Double) -> Bool) -> ValueType {
        ValueType { (value, _) throws(InvalidValue) in
            guard let number = value.number, number.isFinite, isValid(number) else {
                throw InvalidValue("expected a number \(bounds)", value: value.shown)
            }
            return number
        }
    }
}

extension ValueType where Value == Duration {
    /// A duration above zero.
    static let duration = text(#"a duration from "1ms" to "3650d" such as "5s""#) { text, _ in
        Duration(text).flatMap { $0 > .zero ? $0 : nil }
    }

    /// How long a request may take; its claim lasts a minute longer, and a claim of more than a day counts as stray.
    static let timeout = text(#"a duration from "1ms" to "1h" such as "5s""#) { text, _ in
        Duration(text).flatMap { $0 > .zero && $0 <= .seconds(3_600) ? $0 : nil }
    }

    /// How long something is kept, with a lower limit; an empty text means for ever.
    static func duration(keptAtLeast least: Duration) -> ValueType {
        text("a duration from \(least.formatted.quoted) to \"3650d\", or \"\" to keep it for ever") { text, _ in
            Duration(text).flatMap { $0 >= least ? $0 : nil }
        }
    }

    /// The time between two heartbeats.
    static let interval = text(#"a duration of at least "1m" such as "5m""#) { text, _ in
        Duration(text).flatMap { $0 >= .seconds(60) ? $0 : nil }
    }
}

extension ValueType where Value: RawRepresentable & CaseIterable & Sendable, Value.RawValue == String {
    /// One of an enumeration's names.
    static var choice: ValueType {
        let words = Value.allCases.map(\.rawValue)
        return text("one of \(words.map(\.quoted).joined(separator: ", "))") { (text, _) throws(InvalidValue) in
            Value(rawValue: text)
        }
    }
}

extension ValueType where Value == Set<EventType> {
    static var events: ValueType {
        let array = ValueType<EventType>.choice.array(of: "events")
        return ValueType { (value, files) throws(InvalidValue) in Set(try array.read(value, files)) }
    }
}
