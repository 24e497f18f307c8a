import Foundation
import Testing

/// A file system of its own in a test's folder.
protocol MountedDisk {
    /// Mounts it as `disk`.
    init(in workspace: Workspace) throws
}

/// A file system so small that it can be filled.
///
/// Mounting it takes root or `sudo`.
final class SmallDisk: MountedDisk {
    let path: String

    /// Mounts one of 8 MiB.
    convenience init(in workspace: Workspace) throws {
        try self.init(in: workspace, kilobytes: 8_192)
    }

    /// Mounts it.
    ///
    /// - Parameters:
    ///   - workspace: The test's.
    ///   - name: Its folder in there.
    ///   - kilobytes: Its size.
    /// - Throws: When it cannot be mounted, which fails the test: what it tests must not go untested unnoticed.
    init(in workspace: Workspace, name: String = "disk", kilobytes: Int) throws {
        path = workspace.path(name)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let options = "size=\(kilobytes)k,uid=\(getuid()),mode=700"
        let mounted = try Self.run(["mount", "-t", "tmpfs", "-o", options, "refundd-test", path])
        try #require(mounted, "this test mounts a small file system: run it as root, or allow sudo without a password")
    }

    deinit {
        _ = try? Self.run(["umount", "--lazy", path])
    }

    private static func run(_ command: [String]) throws -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = (getuid() == 0 ? [] : ["sudo", "--non-interactive"]) + command
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    private var ballast: String { path + "/ballast" }

    /// Takes all the room that is left.
    func fill() throws {
        #expect(FileManager.default.createFile(atPath: ballast, contents: nil))
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: ballast))
        defer { try? file.close() }
        let page = Data(count: 4_096)
        while (try? file.write(contentsOf: page)) != nil {}
    }

    /// Makes room again.
    func clear() throws {
        try FileManager.default.removeItem(atPath: ballast)
    }

    /// Lets nobody write any more; only while no file is open for writing.
    func makeReadOnly() throws {
        try #require(try Self.run(["mount", "-o", "remount,ro", path]))
    }
}
