import TOML

/// All problems of a configuration that cannot be used.
package struct ConfigurationError: Error, Hashable, Sendable {
    /// At least one problem, in the order of the sections.
    package let problems: [ConfigurationProblem]
}

/// One problem of a configuration: its place, its cause and its fix.
package struct ConfigurationProblem: Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Hashable, Sendable {
        /// The file cannot be read or is not UTF-8 text.
        case unreadable
        /// The file is not TOML.
        case syntax
        /// A required key or section is missing.
        case missing
        /// No such key, section or variable exists.
        case unknown
        /// The value has the wrong type or form, or is out of range.
        case invalid
        /// The value is a key or a secret where a file name belongs.
        case secret
        /// The value contradicts another one.
        case conflict
        /// The value cannot change while the daemon is running.
        case needsRestart
    }

    /// The place of a problem.
    package enum Place: Hashable, Sendable {
        case file(String)
        /// A line and a column, counted from 1; no column means the whole line.
        case line(file: String, line: Int, column: Int?)
        /// An environment variable.
        case variable(String)
    }

    package let place: Place
    /// The key or section, such as `gateway.url`; nil for the whole file or variable.
    package let key: String?
    package let code: Code
    /// The value in the file's notation, shortened; nil if there is none or it may be a secret.
    private let value: String?
    private let message: String

    init(_ what: InvalidValue, place: Place, key: String? = nil) {
        self.place = place
        self.key = key
        code = what.code
        value = what.value
        message = what.message
    }

    init(_ error: TOMLError, in file: String) {
        let place = Place.line(file: file, line: error.line, column: error.column)
        self.init(InvalidValue(error.problem.rawValue, .syntax), place: place)
    }

    /// One line, such as `refundd.conf: gateway.timeout = 10: expected a duration such as "5s"`.
    package var description: String {
        let prefix =
            switch place {
            case .file(let file): file
            case .line(let file, let line, let column): "\(file):\(line)" + (column.map { ":\($0)" } ?? "")
            case .variable(let name): "environment variable \(name)"
            }
        let subject = key.map { key in value.map { "\(key) = \($0): " } ?? "\(key): " } ?? ""
        return "\(prefix): \(subject)\(message)"
    }
}

/// A problem with a value, before its place is known.
struct InvalidValue: Error {
    let code: ConfigurationProblem.Code
    /// The expected form, or the problem and its fix.
    let message: String
    /// The value as a message may show it; nil if there is none or it may be a secret.
    var value: String?

    init(_ message: String, _ code: ConfigurationProblem.Code = .invalid, value: String? = nil) {
        self.code = code
        self.message = message
        self.value = value
    }
}

extension String {
    // Long enough to recognise a value, short enough for a one-line message.
    private static let maxShownLength = 80

    /// The text in quotes for a message, shortened and with control characters escaped.
    var quoted: String {
        "\"\(shown)\""
    }

    /// The text for a message, shortened and with control characters escaped.
    var shown: String {
        var result = ""
        for scalar in unicodeScalars.prefix(Self.maxShownLength) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return unicodeScalars.count > Self.maxShownLength ? result + "…" : result
    }

    var containsControlCharacter: Bool {
        unicodeScalars.contains { $0.properties.generalCategory == .control }
    }
}
