import CLinux
import Foundation
import RefundAdmin
import RefundCore
import RefundDaemon

/// Prints a line to standard output, escaping everything that a terminal would interpret.
func printLine(_ line: String) {
    print(escapedForTerminal(line))
}

/// Prints lines to standard output, in colours if the terminal shows them.
func printLines(_ lines: [Line], on terminal: Terminal) {
    for line in lines {
        let text = escapedForTerminal(line.text)
        print(line.style.flatMap { terminal.hasColours ? $0.applied(to: text) : nil } ?? text)
    }
}

/// Begins a screen of output that is repeated: clears a terminal; elsewhere, separates the screens by a blank line.
func beginScreen(_ terminal: Terminal) {
    print(terminal.isTerminal ? "\u{1B}[H\u{1B}[2J\u{1B}[3J" : "", terminator: terminal.isTerminal ? "" : "\n")
}

/// Flushes what was printed, for a program that reads from a pipe.
///
/// - Throws: `CommandFailure` if anything that was ever printed could not be written, such as to a full disk.
func flushOutput() throws(CommandFailure) {
    guard clinux_is_output_written() != 0 else {
        throw CommandFailure(.failed, ["standard output cannot be written; what was written is not complete"])
    }
}

/// Prints one JSON document to standard output, escaping everything that a terminal would interpret.
func printJSON(_ content: (inout JSONWriter) -> Void) {
    var json = JSONWriter()
    json.object(nil, content)
    print(json.textForTerminal)
}

/// Prints one line of JSON, or a part of one, to standard output.
func printJSON(_ json: JSONWriter, terminator: String = "\n") {
    print(json.textForTerminal, terminator: terminator)
}

/// Prints a message to standard error, where it does not mix with results.
func printMessage(_ message: String) {
    FileHandle.standardError.write(Data("\(escapedForTerminal(message))\n".utf8))
}

/// A line of standard error that is replaced again and again, if it is a terminal.
enum ProgressLine {
    /// Whether it is one.
    static let isTerminal = isatty(STDERR_FILENO) == 1

    /// Shows a text in place of the last one; what does not fit would stay for ever, and is left out.
    static func show(_ text: String) {
        let width = Terminal.columns(of: STDERR_FILENO) ?? Terminal.defaultWidth
        write("\r\u{1B}[K\(escapedForTerminal(text).prefix(width - 1))")
    }

    /// Removes the text.
    static func clear() { write("\r\u{1B}[K") }

    private static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

/// Shows the progress of work that takes more than a second, on one line of a terminal or now and then on a line of a log.
struct Progress {
    private static let interval: Duration = .seconds(ProgressLine.isTerminal ? 1 : 30)

    private var last = ContinuousClock.now
    private var isShown = false

    /// Shows what goes on, on a terminal alone, for a step that cannot say how far it is.
    mutating func begin(_ text: String) {
        guard ProgressLine.isTerminal else { return }
        isShown = true
        ProgressLine.show(text)
    }

    /// Shows how far the work is, at most once a second on a terminal, and every half a minute elsewhere.
    mutating func show(_ text: @autoclosure () -> String) {
        guard ContinuousClock.now - last >= Self.interval else { return }
        last = .now
        guard ProgressLine.isTerminal else { return printMessage(text()) }
        isShown = true
        ProgressLine.show(text())
    }

    /// Removes the line.
    mutating func end() {
        defer { isShown = false }
        if isShown { ProgressLine.clear() }
    }
}

extension Money {
    var text: String { "\(amount) \(currency)" }
}

extension Failure {
    var text: String { "failed: \(code)" + (message.map { ", \($0)" } ?? "") }
}
