import Foundation
import RefundTestSupport

/// Another program, run for a test.
enum Command {
    struct Result {
        var output: String
        var errors: String
        var status: Int32
    }

    struct Failure: Error, CustomStringConvertible {
        var result: Result

        var description: String { "exit \(result.status): \(result.output) \(result.errors)" }
    }

    /// Runs a program to its end.
    static func run(_ arguments: [String], input: String = "") throws -> Result {
        let folder = try TemporaryFolder()
        // Files rather than pipes: nobody has to read while the program writes.
        func file(_ name: String, _ content: String) throws -> FileHandle {
            let path = folder.path("") + name
            try content.write(toFile: path, atomically: false, encoding: .utf8)
            return try FileHandle(forUpdating: URL(fileURLWithPath: path))
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardInput = try file("input", input)
        process.standardOutput = try file("output", "")
        process.standardError = try file("errors", "")
        try process.run()
        process.waitUntilExit()
        return Result(
            output: try String(contentsOfFile: folder.path("output"), encoding: .utf8),
            errors: try String(contentsOfFile: folder.path("errors"), encoding: .utf8),
            status: process.terminationStatus
        )
    }
}

/// A Python program that takes hold of something, says so, and lets go when it is told to.
final class Holder {
    let pid: Int32
    private let process = Process()
    private let input = Pipe()

    /// Starts the program and waits until it holds what it takes.
    init(_ program: String, _ argument: String) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let ending = "print(os.getpid(), flush=True)\nsys.stdin.read()\n"
        process.arguments = ["python3", "-c", "import os, sys\n\(program)\n\(ending)", argument]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let pid = Int32(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Command.Failure(result: Command.Result(output: line, errors: "no process id", status: 0))
        }
        self.pid = pid
    }

    /// Ends the program.
    func letGo() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    deinit {
        if process.isRunning { letGo() }
    }
}
