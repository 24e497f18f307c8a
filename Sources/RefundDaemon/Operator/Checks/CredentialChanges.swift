import Foundation
import Glibc
import RefundConfiguration
import RefundCore
import RefundStore

/// Finds keys and secrets that were replaced after the daemon read them, as far as this user can see.
struct CredentialChanges {
    // Where systemd puts the copies that it makes at start. Source: systemd.exec(5), LoadCredential=.
    private static let copies = "/run/credentials/refundd.service"

    /// The unit's credentials by name, with the files that systemd copies.
    let sources: [String: String]
    /// The files that the configuration names.
    let files: Set<String>
    /// The daemon that runs.
    let daemon: ServingDaemon
    /// The folder of systemd's copies.
    var copies = Self.copies

    // Whether the daemon reads systemd's copies, which a reload does not renew.
    private var isUnits: Bool { FileManager.default.fileExists(atPath: copies) && !sources.isEmpty }

    /// When the daemon read the files.
    var readAt: Timestamp { isUnits ? daemon.since : daemon.reloaded ?? daemon.since }

    /// The files that changed after the daemon read them.
    var unread: Set<String> {
        Set(
            isUnits
                ? sources.filter { isReplaced($0.value, since: "\(copies)/\($0.key)") }.map(\.value)
                : files.filter { isChanged($0, since: readAt) }
        )
    }

    // A restart with a wrong configuration or key would stop a daemon that still works with the old one.
    private static let checkedRestart = "refundd check && systemctl restart refundd"
    private static let triedRestart = "refundd check --online && systemctl restart refundd"

    /// Runs the check.
    ///
    /// - Returns: At most one finding, with the command that makes the daemon read the files.
    func finding() -> Finding? {
        let names = Set(unread.map(\.fileName))
        guard !names.isEmpty else { return nil }
        let text =
            "\(names.sorted().joined(separator: ", ")) \(names.count == 1 ? "has" : "have") changed since refundd"
        return isUnits
            ? Finding(.warning, "credentials", "\(text) started; a restart uses it", run: Self.triedRestart)
            : Finding(.warning, "credentials", "\(text) read it", run: "kill -HUP \(daemon.pid)")
    }

    /// Looks whether the configuration itself was changed after the daemon read it.
    ///
    /// - Parameter configuration: The configuration's file.
    /// - Returns: The finding, with a command that applies every key; a reload would refuse some.
    func finding(about configuration: String) -> Finding? {
        guard isChanged(configuration, since: daemon.reloaded ?? daemon.since) else { return nil }
        let text = "\(configuration.fileName) has changed since refundd read it"
        let command = sources.isEmpty ? "kill -HUP \(daemon.pid)" : Self.checkedRestart
        return Finding(.warning, "settings", text, run: command)
    }

    // Root can compare the contents; others may at best see the file's time.
    private func isReplaced(_ source: String, since copy: String) -> Bool {
        guard let new = try? CredentialFile(path: source).bytes, let old = try? CredentialFile(path: copy).bytes else {
            return isChanged(source, since: daemon.since)
        }
        return new != old
    }

    // A file that is moved into place keeps the time of its content, but not that of its inode.
    private func isChanged(_ path: String, since read: Timestamp) -> Bool {
        Self.time(of: path).map { $0 > read } ?? false
    }

    /// When a file was last changed or moved into its place; nil if this user may not see it.
    static func time(of path: String) -> Timestamp? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return Timestamp(
            milliseconds: Int64(status.st_ctim.tv_sec) * 1_000 + Int64(status.st_ctim.tv_nsec) / 1_000_000
        )
    }
}

extension Configuration {
    /// Every file of certificates, which anybody may read.
    var certificateFiles: Set<String> {
        Set(([webhook.caFile] + gateways.values.map(\.caFile)).compactMap(\.self))
    }

    /// Every key, secret and certificate file.
    var credentialFiles: Set<String> {
        var files = Set(webhook.secretFiles + [webhook.caFile, database.passwordFile].compactMap(\.self))
        for gateway in gateways.values {
            files.formUnion([gateway.privateKeyFile] + gateway.publicKeyFiles + [gateway.caFile].compactMap(\.self))
        }
        return files
    }
}
