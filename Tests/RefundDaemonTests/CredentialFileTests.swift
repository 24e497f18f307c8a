import Foundation
import Glibc
import Testing

@testable import RefundDaemon

struct CredentialFileTests {
    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("refundd-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    private func message(_ file: URL) -> String? {
        do throws(CredentialFileError) {
            _ = try CredentialFile(path: file.path)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func protectionIsThatOfTheFileThatALinkNames() throws {
        try withFolder { folder in
            let (file, link) = (folder.appendingPathComponent("key"), folder.appendingPathComponent("link"))
            try Data("content".utf8).write(to: file)
            #expect(unsafe chmod(file.path, 0o640) == 0)
            try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
            let read = try CredentialFile(path: link.path)
            #expect(read.bytes == Array("content".utf8))
            #expect(read.protection.owner == geteuid())
            #expect(read.protection.mode & 0o777 == 0o640)
        }
    }

    @Test(.timeLimit(.minutes(1))) func pipeThatNobodyWritesToIsRefusedAtOnce() throws {
        try withFolder { folder in
            let pipe = folder.appendingPathComponent("pipe")
            #expect(unsafe mkfifo(pipe.path, 0o600) == 0)
            #expect(message(pipe) == "this is a folder or no regular file")
            #expect(message(folder) == "this is a folder or no regular file")
        }
    }

    @Test func fileThatIsMissingOrFarTooLargeIsRefused() throws {
        try withFolder { folder in
            let file = folder.appendingPathComponent("key")
            #expect(message(file) == "the file does not exist")
            try Data(repeating: 65, count: 1 << 20).write(to: file)
            #expect(message(file) == nil)
            try Data(repeating: 65, count: (1 << 20) + 1).write(to: file)
            #expect(message(file) == "the file is larger than 1048576 bytes")
        }
    }
}
