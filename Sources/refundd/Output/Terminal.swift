import Glibc

/// Where standard output goes: its width, and whether it shows colours.
struct Terminal: Hashable, Sendable {
    /// The width where it is unknown, such as that of a pipe.
    static let defaultWidth = 80
    // Narrower than any terminal, and wide enough for a word.
    private static let leastWidth = 20

    /// The width in columns.
    let width: Int
    /// Whether colours are shown.
    let hasColours: Bool
    /// Whether standard output is a terminal.
    let isTerminal: Bool

    /// Creates a description.
    ///
    /// Sources: <https://no-color.org>; `COLUMNS` in POSIX, section 8.3.
    ///
    /// - Parameters:
    ///   - columns: The terminal's own width; nil if standard output is not a terminal or does not report it.
    ///   - isTerminal: Whether standard output is a terminal.
    ///   - environment: The process's environment.
    init(columns: Int?, isTerminal: Bool, environment: [String: String]) {
        let wanted = columns ?? environment["COLUMNS"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
        width = max(wanted ?? Self.defaultWidth, Self.leastWidth)
        let isPlain = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        self.isTerminal = isTerminal
        hasColours = isTerminal && !isPlain && environment["TERM"].map { $0 != "dumb" } ?? false
    }

    /// Looks at this process's standard output.
    static func current(environment: [String: String]) -> Terminal {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        return Terminal(columns: columns(of: STDOUT_FILENO), isTerminal: isTerminal, environment: environment)
    }

    /// The width of a terminal; nil if it does not report one, or a descriptor is none.
    static func columns(of descriptor: Int32) -> Int? {
        var size = winsize()
        guard unsafe isatty(descriptor) == 1 && ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return nil }
        return size.ws_col > 0 ? Int(size.ws_col) : nil
    }
}

/// The style of a line.
enum Style: String, Sendable {
    case heading = "1"
    case good = "32"
    case warning = "33"
    case bad = "1;31"
    case faint = "2"

    /// Applies the style to text that is already escaped for a terminal.
    ///
    /// Source: ECMA-48, SGR.
    func applied(to text: String) -> String { "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" }
}

/// A line for a terminal.
struct Line: Hashable, Sendable {
    let text: String
    let style: Style?

    init(_ text: String, _ style: Style? = nil) {
        self.text = text
        self.style = style
    }
}

extension String {
    /// How many columns a terminal needs for the text; East Asian wide characters take two.
    ///
    /// Source: <https://www.unicode.org/reports/tr11/>, reduced to whole blocks.
    var columns: Int {
        unicodeScalars.reduce(0) { sum, scalar in
            switch scalar.value {
            case 0x300...0x36F, 0x200B...0x200F, 0xFE00...0xFE0F: sum
            case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
                0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
                sum + 2
            default: sum + 1
            }
        }
    }

    /// The text padded with blanks to a number of columns.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(width - columns, 0)) }

    /// The text as it is if it fits, otherwise broken at blanks.
    func folded(to width: Int) -> [String] { columns <= width ? [self] : wrapped(to: width) }

    /// The text broken at blanks into lines of at most `width` columns; a longer word stays whole.
    func wrapped(to width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in split(separator: " ", omittingEmptySubsequences: true) {
            let longer = line.isEmpty ? String(word) : "\(line) \(word)"
            if !line.isEmpty, longer.columns > width {
                lines.append(line)
                line = String(word)
            } else {
                line = longer
            }
        }
        return line.isEmpty && !lines.isEmpty ? lines : lines + [line]
    }
}
