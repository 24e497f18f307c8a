import Foundation
import Glibc
import RefundCore
import RefundTestSupport
import Testing

@testable import RefundDaemon

struct CredentialFileTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func message(_ path: String) -> String? {
        do throws(CredentialFileError) {
            _ = try CredentialFile(path: path)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func protectionIsThatOfTheLinkedFile() throws {
        let file = try folder.write("content", to: "key")
        #expect(unsafe chmod(file, 0o640) == 0)
        #expect(unsafe symlink(file, folder.path("link")) == 0)
        let read = try CredentialFile(path: folder.path("link"))
        #expect(read.bytes == Array("content".utf8))
        #expect(read.protection.owner == geteuid())
        #expect(read.protection.mode & 0o777 == 0o640)
    }

    @Test(.timeLimit(.minutes(1))) func pipeWithoutAWriterIsRejectedAtOnce() {
        #expect(unsafe mkfifo(folder.path("pipe"), 0o600) == 0)
        #expect(message(folder.path("pipe")) == "not a regular file")
        #expect(message(folder.path) == "not a regular file")
    }

    @Test func missingOrHugeFileIsRejected() throws {
        let file = folder.path("key")
        #expect(message(file) == "the file does not exist")
        try folder.write(String(repeating: "A", count: 1 << 20), to: "key")
        #expect(message(file) == nil)
        try folder.write(String(repeating: "A", count: (1 << 20) + 1), to: "key")
        #expect(message(file) == "the file is larger than 1048576 bytes")
    }
}

struct FileProtectionTests {
    private static let daemon: UInt32 = 998

    private func problem(
        _ need: CredentialNeed,
        mode: UInt32,
        owner: UInt32 = daemon,
        path: String = "/etc/key"
    ) -> String? {
        FileProtection(owner: owner, mode: 0o100_000 | mode).problem(need, path: path, user: Self.daemon)
    }

    @Test(arguments: [0o600, 0o400, 0o640, 0o440, 0o700, 0o610] as [UInt32])
    func secretThatOnlyItsOwnerAndGroupReadIsAccepted(mode: UInt32) {
        #expect(problem(.secrecy, mode: mode) == nil)
        #expect(problem(.secrecy, mode: mode, owner: 0) == nil)
    }

    @Test(arguments: [0o644, 0o600, 0o444, 0o755] as [UInt32])
    func publicKeyMayBeReadableByAll(mode: UInt32) {
        #expect(problem(.integrity, mode: mode) == nil)
        #expect(problem(.integrity, mode: mode, owner: 0) == nil)
    }

    @Test(
        arguments: [
            (0o644, "is readable by others; run: chmod 600 /etc/key"),
            (0o604, "is readable by others; run: chmod 600 /etc/key"),
            (0o602, "is writable by others; run: chmod 600 /etc/key"),
            (0o620, "is writable by its group; run: chmod 600 /etc/key"),
            (0o666, "is readable by others and is writable by others; run: chmod 600 /etc/key"),
            (0o664, "is readable by others and is writable by its group; run: chmod 600 /etc/key"),
        ] as [(UInt32, String)]
    )
    func exposedSecretIsRejectedWithTheCommandThatFixesIt(mode: UInt32, message: String) {
        #expect(problem(.secrecy, mode: mode) == message)
    }

    @Test(
        arguments: [
            (0o646, "is writable by others; run: chmod go-w /etc/key"),
            (0o664, "is writable by its group; run: chmod go-w /etc/key"),
        ] as [(UInt32, String)]
    )
    func publicKeyThatOthersCanWriteIsRejected(mode: UInt32, message: String) {
        #expect(problem(.integrity, mode: mode) == message)
    }

    @Test func suggestedCommandKeepsTheFileReadableForTheDaemon() {
        #expect(
            problem(.secrecy, mode: 0o644, owner: 0)
                == "is readable by others; run: chown 998 /etc/key && chmod 600 /etc/key"
        )
    }

    @Test func fileOfAnotherUserIsRejected() {
        let whose = "belongs to user 33, who is neither root nor user 998, who runs refundd"
        #expect(
            problem(.secrecy, mode: 0o640, owner: 33) == "\(whose); run: chown 998 /etc/key && chmod 600 /etc/key"
        )
        #expect(
            problem(.integrity, mode: 0o644, owner: 33) == "\(whose); run: chown 998 /etc/key && chmod go-w /etc/key"
        )
    }

    @Test func commandsRunByRootNeverTakeFilesFromTheDaemonsUser() {
        func problem(_ need: CredentialNeed, mode: UInt32) -> String? {
            FileProtection(owner: Self.daemon, mode: 0o100_000 | mode).problem(need, path: "/etc/key", user: nil)
        }
        #expect(problem(.secrecy, mode: 0o600) == nil)
        #expect(problem(.integrity, mode: 0o644) == nil)
        #expect(problem(.secrecy, mode: 0o644) == "is readable by others; run: chmod 600 /etc/key")
        #expect(problem(.integrity, mode: 0o664) == "is writable by its group; run: chmod go-w /etc/key")
    }

    @Test(
        arguments: [
            ("/my keys/k", "'/my keys/k'"), ("/a'b", #"'/a'\''b'"#), ("/$(reboot)", "'/$(reboot)'"),
        ]
    )
    func suggestedCommandQuotesTheFileName(path: String, word: String) {
        #expect(problem(.secrecy, mode: 0o644, path: path)?.hasSuffix("chmod 600 \(word)") == true)
    }
}

struct MissingCredentialTests {
    private func messages(environment: [String: String]) throws -> [String] {
        let folder = try TemporaryFolder()
        let file = try folder.write(
            """
            [gateway]
            url = "https://gateway.example"
            app_id = "wz715fc0d10ee9d156"
            private_key_file = "app_private_key"
            public_key_files = ["gateway_public_key"]
            """,
            to: "refundd.conf"
        )
        do throws(CommandFailure) {
            _ = try ConfigurationCheck.offline(file: file, environment: environment)
            return []
        } catch {
            #expect(error.status == .configuration)
            return error.messages
        }
    }

    @Test func serviceNamesTheFolderAndTheRestart() throws {
        let messages = try messages(environment: ["CREDENTIALS_DIRECTORY": "/run/credentials/refundd.service"])
        #expect(messages.count == 3, "\(messages)")
        #expect(messages.first?.hasSuffix("the file does not exist") == true)
        #expect(messages.last?.hasSuffix("/credentials, then run: systemctl restart refundd") == true)
    }

    @Test func commandOfRootNamesOnlyTheFiles() throws {
        #expect(try messages(environment: [:]).count == 2)
    }
}
