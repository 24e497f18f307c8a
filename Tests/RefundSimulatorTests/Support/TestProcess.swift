import Foundation
import RefundTestSupport

/// A command line tool that was run to its end.
struct TestProcess {
    let status: Int32
    let output: String

    /// Runs a tool from the search path; what it prints goes through a file, so that no amount of it blocks.
    static func run(_ arguments: [String], in directory: TemporaryFolder) async throws -> TestProcess {
        let file = directory.path(UUID().uuidString)
        try Data().write(to: URL(filePath: file))
        let handle = try FileHandle(forWritingTo: URL(filePath: file))
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        let status = try await withCheckedThrowingContinuation { (done: CheckedContinuation<Int32, any Error>) in
            process.terminationHandler = { done.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                done.resume(throwing: error)
            }
        }
        try handle.close()
        let bytes = try Data(contentsOf: URL(filePath: file))
        return TestProcess(status: status, output: String(decoding: bytes, as: UTF8.self))
    }
}

extension TemporaryFolder {
    func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path(name))), as: UTF8.self)
    }

    func mode(_ name: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path(name))[.posixPermissions] as? Int
    }
}
