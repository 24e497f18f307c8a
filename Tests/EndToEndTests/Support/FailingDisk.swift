import Foundation
import RefundStore
import Testing

/// A small ext4 file system in a test's folder, which the kernel can be made to turn read-only under open files, as it
/// does after an error of a real disk.
final class FailingDisk: MountedDisk {
    /// Whether this machine can mount one, which takes root, a loop device and ext4.
    static let isPossible: Bool = {
        let files = FileManager.default
        return getuid() == 0 && ["/dev/loop-control", "/sys/fs/ext4"].allSatisfy(files.fileExists(atPath:))
            && ["mkfs.ext4", "losetup", "e2fsck", "chattr"].allSatisfy { (try? run(["which", $0])) == true }
    }()
    static let needs: Comment = "needs root, a loop device and ext4"

    let path: String
    private let image: String

    /// Makes and mounts it.
    init(in workspace: Workspace) throws {
        (path, image) = (workspace.path("disk"), workspace.path("disk.img"))
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try #require(try Self.run(["truncate", "-s", "16M", image]))
        try #require(try Self.run(["mkfs.ext4", "-q", "-F", image]))
        try mount()
    }

    deinit {
        _ = try? Self.run(["umount", "--lazy", path])
    }

    private func mount() throws {
        try #require(try Self.run(["mount", "-o", "loop,errors=remount-ro", image, path]))
    }

    /// Makes the kernel find an error, after which nothing can be written any more.
    func fail() throws {
        let mounts = KernelTable.text(of: "/proc/self/mounts")?.split(separator: "\n")
        let fields = try #require(mounts?.last { $0.contains(" \(path) ") }).split(separator: " ")
        let device = try #require(fields[0].split(separator: "/").last)
        let trigger = try FileHandle(forWritingTo: URL(fileURLWithPath: "/sys/fs/ext4/\(device)/trigger_fs_error"))
        try trigger.write(contentsOf: Data("test".utf8))
        try trigger.close()
    }

    /// Checks and mounts it again, once no program has a file open in it.
    func repair() throws {
        try #require(try Self.run(["umount", path]))
        // Repairs what the error left, and then reports that it did.
        _ = try Self.run(["e2fsck", "-p", image])
        try mount()
    }

    /// Lets nobody write a file any more, not even through a descriptor that is open.
    func forbidWriting(_ name: String) throws {
        try #require(try Self.run(["chattr", "+i", "\(path)/\(name)"]))
    }

    /// Lets a file be written again.
    func allowWriting(_ name: String) throws {
        try #require(try Self.run(["chattr", "-i", "\(path)/\(name)"]))
    }

    private static func run(_ command: [String]) throws -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
