import Foundation
import Glibc
import Testing

/// refundd as the files in `deploy` lay it out, below a folder of the test, each program run by its own user.
struct Deployment {
    /// Why there are machines on which this cannot be.
    static let needs: Comment = "giving files to other users takes root, laying them out systemd's tools"

    static let isPossible =
        geteuid() == 0
        && ["systemd-sysusers", "systemd-tmpfiles", "setpriv"].allSatisfy {
            FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)")
        }

    // An application's own user and group; the kernel needs no account to go with a number.
    private static let application = "61033"

    let workspace: Workspace
    let root: String
    let user: String
    private let group: String
    private let unit: [(key: String, value: String)]

    var configurationFile: String { root + "/etc/refundd/refundd.conf" }
    var database: String { root + "/var/lib/refundd/refundd.db" }

    /// Makes users and folders by the files themselves, and the configuration that the example begins with.
    init(in workspace: Workspace) async throws {
        self.workspace = workspace
        root = workspace.path("root")
        let deploy = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../deploy")
            .standardizedFileURL.path
        unit = try String(contentsOfFile: deploy + "/refundd.service", encoding: .utf8).split(separator: "\n")
            .compactMap { line in
                let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
                return parts.count == 2 && !line.hasPrefix("#") ? (parts[0], parts[1]) : nil
            }
        try FileManager.default.createDirectory(atPath: root + "/etc", withIntermediateDirectories: true)
        for command in [
            ["systemd-sysusers", "--root=\(root)", "\(deploy)/refundd.sysusers"],
            ["systemd-tmpfiles", "--root=\(root)", "--create", "\(deploy)/refundd.tmpfiles"],
        ] {
            let made = try await workspace.run(command[0], Array(command.dropFirst()))
            try #require(made.exitCode == 0, "\(made.errors)")
        }
        let accounts = try String(contentsOfFile: root + "/etc/passwd", encoding: .utf8).split(separator: "\n")
        let account = try #require(accounts.map { $0.split(separator: ":") }.first { $0[0] == "refundd" })
        (user, group) = (String(account[2]), String(account[3]))
    }

    /// Writes the configuration, and puts keys and secrets into a folder.
    ///
    /// - Parameters:
    ///   - folder: The folder below `/etc/refundd`.
    ///   - owner: The number of the user whose they are.
    /// - Throws: When one cannot be made.
    func configure(keysIn folder: String = "", of owner: String) async throws {
        try workspace.configure("database", ["path": "\"\(database)\""])
        try workspace.configure("gateway", ["ca_file": "\"\(workspace.path("ca.pem"))\""])
        for name in ["app_private_key", "gateway_public_key", "webhook_secret"] {
            let target = "\(root)/etc/refundd/\(folder)/\(name)"
            try FileManager.default.copyItem(atPath: workspace.path(name), toPath: target)
            let owned = try await workspace.run("sh", ["-c", "chown \(owner) \(target) && chmod 600 \(target)"])
            try #require(owned.exitCode == 0, "\(owned.errors)")
        }
        try Data(workspace.configuration.text.utf8).write(to: URL(fileURLWithPath: configurationFile))
    }

    /// Starts the daemon as the service manager does, and waits until it serves.
    func startDaemon() async throws -> RunningProcess {
        let arguments =
            privileges(user: user, primary: group, "--clear-groups") + [
                "sh", "-c", "umask \(try #require(value("UMask"))); exec \"$@\"", "sh", Programs.refundd, "run",
                "--config", configurationFile,
            ]
        let environment = ["CREDENTIALS_DIRECTORY": try await credentials()]
        let daemon = try workspace.start("setpriv", arguments, environment: environment, name: "refundd")
        try await daemon.waitForErrors(containing: "started")
        return daemon
    }

    // What LoadCredential=ID:FOLDER does: copies named ID_FILE, which the daemon's user alone can read.
    private func credentials() async throws -> String {
        let source = try #require(value("LoadCredential")).split(separator: ":")
        let folder = root + "/run"
        try? FileManager.default.removeItem(atPath: folder)
        let script = """
            umask 077 && mkdir \(folder) && cd \(root)\(source[1]) &&
            for file in *; do [ ! -f $file ] || cp $file \(folder)/\(source[0])_$file; done && chown -R \(user) \(folder)
            """
        let loaded = try await workspace.run("sh", ["-c", script])
        try #require(loaded.exitCode == 0, "\(loaded.errors)")
        return folder
    }

    private func value(_ key: String) -> String? { unit.last { $0.key == key }?.value }

    private func privileges(user: String, primary: String, _ groups: String) -> [String] {
        ["--reuid=\(user)", "--regid=\(primary)", groups]
    }

    /// Inserts a refund as an application whose user has joined the group.
    func enqueue(_ order: String) async throws {
        let insert = "INSERT INTO refund_queue (merchant_order_no) VALUES ('\(order)')"
        let user = privileges(user: Self.application, primary: Self.application, "--groups=\(group)")
        let inserted = try await workspace.run(
            "setpriv",
            user + ["sqlite3", "-batch", "-bail", "-cmd", ".timeout 10000", database, insert]
        )
        #expect(inserted.exitCode == 0, "\(order): \(inserted.errors)")
    }

    /// Runs a command as an operator does with `sudo`.
    @discardableResult
    func sudo(_ arguments: String...) async throws -> Finished {
        let finished = try await workspace.run(
            Programs.refundd,
            arguments + ["--config", configurationFile],
            environment: ["SUDO_USER": "ada"]
        )
        #expect(finished.exitCode == 0, "\(arguments): \(finished.errors)\(finished.output)")
        return finished
    }

    /// Waits until a refund is settled.
    func settled(_ order: String) async throws {
        try await eventually("\(order) is settled") {
            let sql = "SELECT 1 FROM refund_queue WHERE merchant_order_no = '\(order)' AND state = 'settled'"
            return try await !workspace.sql(sql, database: database).isEmpty
        }
    }
}
