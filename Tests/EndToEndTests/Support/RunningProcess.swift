import Foundation
import Glibc

/// A program that runs as a process of its own, with its outputs in files.
final class RunningProcess {
    private let process = Process()
    private let outputFile: URL
    private let errorFile: URL

    // Besides what every program needs, what a sanitized program needs.
    private static let inheritedVariables: Set = ["PATH", "HOME", "LANG", "LD_PRELOAD", "TSAN_OPTIONS", "ASAN_OPTIONS"]

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - program: Its path, or a name to look up in `PATH`.
    ///   - arguments: Its arguments.
    ///   - environment: Variables beside the few that are inherited.
    ///   - folder: Where its outputs are kept; its current directory, too.
    ///   - name: The name of the files with its outputs.
    /// - Throws: When it cannot be started.
    init(
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        folder: URL,
        name: String
    ) throws {
        let inherited = ProcessInfo.processInfo.environment.filter { Self.inheritedVariables.contains($0.key) }
        outputFile = folder.appendingPathComponent("\(name).out")
        errorFile = folder.appendingPathComponent("\(name).err")
        process.executableURL = URL(fileURLWithPath: program.contains("/") ? program : "/usr/bin/env")
        process.arguments = (program.contains("/") ? [] : [program]) + arguments
        process.environment = inherited.merging(environment) { _, new in new }
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        let outputs = [try Self.emptyFile(outputFile), try Self.emptyFile(errorFile)]
        process.standardOutput = outputs[0]
        process.standardError = outputs[1]
        // `Process` would keep them open for as long as the tests run, until there are too many.
        defer { for output in outputs { try? output.close() } }
        try process.run()
    }

    deinit { kill() }

    private static func emptyFile(_ file: URL) throws -> FileHandle {
        try Data().write(to: file)
        return try FileHandle(forWritingTo: file)
    }

    var id: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }

    /// What it wrote to standard output so far.
    var output: String { Self.text(of: outputFile) }

    /// What it wrote to standard error so far.
    var errors: String { Self.text(of: errorFile) }

    private static func text(of file: URL) -> String {
        String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
    }

    /// Sends a signal to it.
    func signal(_ number: Int32) {
        guard isRunning else { return }
        Glibc.kill(id, number)
    }

    /// Ends it at once by SIGKILL, because programs started from a thread that blocks signals may ignore any other.
    func kill() {
        guard isRunning else { return }
        signal(SIGKILL)
        process.waitUntilExit()
    }

    /// Waits for its end.
    ///
    /// - Returns: Its exit code; 128 and the signal when a signal ended it.
    /// - Throws: `TimedOut`.
    func exitCode(within limit: Duration = .seconds(60)) async throws -> Int32 {
        let clock = ContinuousClock()
        let deadline = clock.now + limit.patiently
        while process.isRunning {
            guard clock.now < deadline else {
                throw TimedOut("the end of \(process.arguments ?? [])", within: limit)
            }
            try await clock.sleep(for: .milliseconds(3))
        }
        return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }

    /// Waits until it has written a line to standard output that begins in a certain way.
    ///
    /// - Returns: The rest of the line.
    func outputLine(beginning prefix: String) async throws -> String {
        try await eventually("\"\(prefix)\" from \(process.arguments ?? [])") {
            let lines = output.split(separator: "\n").map(String.init)
            if let line = lines.first(where: { $0.hasPrefix(prefix) }) {
                return line.dropFirst(prefix.count).description
            }
            guard isRunning else { throw UnexpectedEnd(errors: errors) }
            return nil
        }
    }

    /// Waits until what it wrote to standard error contains a text.
    func waitForErrors(containing text: String, within limit: Duration = .seconds(30)) async throws {
        try await eventually("\"\(text)\" on standard error", within: limit) {
            if errors.contains(text) { return true }
            guard isRunning else { throw UnexpectedEnd(errors: errors) }
            return false
        }
    }
}

/// A program that ended although it should go on.
struct UnexpectedEnd: Error, CustomStringConvertible {
    let errors: String

    var description: String { "the program has ended: \(errors)" }
}
