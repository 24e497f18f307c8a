import Foundation
import RefundTestSupport
import Testing

/// What `refund-gateway-simulator init` wrote: made once, because keys take a second, and copied for each test.
struct SimulatorTemplate: Sendable {
    static let shared = Task { try await SimulatorTemplate() }

    private struct File {
        let name: String
        let data: Data
        let permissions: Int
    }

    private let files: [File]

    private init() async throws {
        let files = FileManager.default
        let temporary = try TemporaryFolder()
        defer { withExtendedLifetime(temporary) {} }
        let folder = URL(filePath: temporary.path)
        let directory = folder.appendingPathComponent("made")
        let program = try RunningProcess(
            Programs.simulator,
            ["init", "--directory", directory.path],
            folder: folder,
            name: "init"
        )
        let exitCode = try await program.exitCode()
        try #require(exitCode == 0, "\(program.errors)")
        self.files = try files.contentsOfDirectory(atPath: directory.path).map { name in
            let file = directory.appendingPathComponent(name)
            let attributes = try files.attributesOfItem(atPath: file.path)
            let permissions = try #require(attributes[.posixPermissions] as? Int)
            return File(name: name, data: try Data(contentsOf: file), permissions: permissions)
        }
    }

    func write(to folder: URL) throws {
        for file in files {
            let target = folder.appendingPathComponent(file.name)
            try file.data.write(to: target)
            try FileManager.default.setAttributes([.posixPermissions: file.permissions], ofItemAtPath: target.path)
        }
    }
}
