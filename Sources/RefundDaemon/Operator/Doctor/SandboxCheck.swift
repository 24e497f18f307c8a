import Glibc
import RefundCore
import RefundStore

/// Checks that the unit's sandbox lets the daemon write where its database is.
///
/// Source: systemd.exec(5), `ProtectSystem=`, `ProtectHome=` and `ReadWritePaths=`.
struct SandboxCheck {
    private static let homes = ["/home/", "/root/", "/run/user/"]
    private static let dropIn = "/etc/systemd/system/refundd.service.d/database.conf"

    let unit: ServiceUnit
    /// The user that runs the daemon.
    let user: ServiceUser

    /// Runs the check.
    ///
    /// - Parameter database: The database, which need not exist.
    /// - Returns: The finding, with the drop-in that opens the sandbox; nil if it is open.
    func finding(_ database: String) -> Finding? {
        guard database.hasPrefix("/") else { return nil }
        let folder = Self.real(database.folder)
        let isHome = Self.homes.contains { "\(folder)/".hasPrefix($0) } && unit.hidesHomes
        let isClosed = unit.isSystemReadOnly && !unit.writableFolders.contains { "\(folder)/".hasPrefix("\($0)/") }
        guard isHome || isClosed else { return nil }
        var lines = ["ReadWritePaths=\(folder)"]
        if isHome { lines.append("ProtectHome=no") }
        var commands: [String] = []
        if let group = foreignGroup(of: folder) {
            lines.append("SupplementaryGroups=\(ServiceUser.name(ofGroup: group))")
            commands.append("chmod 2770 \(folder.asShellWord)")
            let files = ["", "-wal", "-shm"].map { database + $0 }.filter { unsafe access($0, F_OK) == 0 }
            if !files.isEmpty { commands.append("chmod 660 \(files.map(\.asShellWord).joined(separator: " "))") }
        }
        commands += [
            "mkdir -p \(Self.dropIn.folder)",
            "printf '%s\\n' '[Service]' \(lines.map(\.asShellWord).joined(separator: " ")) >\(Self.dropIn)",
            "systemctl daemon-reload", "systemctl restart refundd",
        ]
        let fault = isHome ? "hides \(folder) from it" : "makes \(folder) read-only"
        return Finding(
            .problem,
            "database",
            "the service's sandbox \(fault)",
            run: commands.joined(separator: " && ")
        )
    }

    // The group by which the application shares its files; nil if the service is in it, or it is root's.
    private func foreignGroup(of folder: String) -> gid_t? {
        var status = stat()
        guard unsafe stat(folder, &status) == 0, status.st_gid != 0, !user.groups.contains(status.st_gid) else {
            return nil
        }
        return status.st_gid
    }

    private static func real(_ folder: String) -> String {
        guard let real = unsafe realpath(folder, nil) else { return folder }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }
}

extension Finding {
    /// This finding about the sandbox, and those about the queue's place that its command leaves open.
    ///
    /// The drop-in also adds the group that may write the files.
    func settling(_ others: [Finding]) -> [Finding] {
        [self] + others.filter { $0.command?.contains("chown") != true }
    }
}
