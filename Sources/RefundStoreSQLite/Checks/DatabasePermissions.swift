import Glibc
import RefundCore
import RefundStore

/// Judges who can use a database: the user that serves it, and the applications that enqueue by writing to it.
struct DatabasePermissions {
    // The service's own folder; every other one may be an application's.
    private static let ownFolder = "/var/lib/refundd/"

    private struct File {
        let path: String
        let status: stat

        var isSetgid: Bool { status.st_mode & S_ISGID != 0 }

        func gives(_ bits: mode_t, to group: gid_t) -> Bool {
            status.st_gid == group && status.st_mode & bits == bits
        }
    }

    /// The database's real file.
    let file: String
    /// Its folder, which ends with a slash.
    let folder: String
    /// The user that serves the database.
    let user: ServiceUser

    /// Runs the check; never creates or changes a file.
    ///
    /// - Returns: At most one finding per cause, with one command.
    func findings() -> [Finding] {
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else { return [] }
        let place = File(path: folder, status: status)
        let paths = ["", "-wal", "-shm", ".lock"].map { file + $0 }
        let entries = paths.compactMap { path in
            var status = stat()
            return unsafe lstat(path, &status) == 0 ? File(path: path, status: status) : nil
        }
        let odd = entries.filter { $0.status.st_mode & S_IFMT != S_IFREG }
        let files = entries.filter { $0.status.st_mode & S_IFMT == S_IFREG }
        return odd.map {
            Finding(.problem, "database", "\($0.path) is not a regular file", run: "ls -ld \($0.path.asShellWord)")
        }
            + [exclusion(place, files) ?? isolation(place, files)].compactMap(\.self)
    }

    // The daemon cannot use the files.
    private func exclusion(_ place: File, _ files: [File]) -> Finding? {
        let mayCreate = user.mayWrite(folder)
        let barred = files.filter { !user.mayRead($0.path) || !user.mayWrite($0.path) }
        var faults: [String] = []
        if !mayCreate { faults.append("cannot create files in \(folder), which -wal, -shm and the lock need") }
        if !barred.isEmpty { faults.append("cannot read and write \(barred.map(\.path).joined(separator: ", "))") }
        guard !faults.isEmpty else { return nil }
        let isShared = place.isSetgid && user.groups.contains(place.status.st_gid)
        let group = user.sharedGroup ?? (isShared ? place.status.st_gid : user.group)
        let text = "user \(user.name) \(faults.joined(separator: ", and "))"
        return Finding(.problem, "database", text, run: remedy(mayCreate ? nil : place, barred, owners(place, group)))
    }

    // The daemon can use the files, but the applications cannot. The lock is refundd's alone.
    private func isolation(_ place: File, _ files: [File]) -> Finding? {
        guard let group = user.sharedGroup ?? (place.isSetgid ? place.status.st_gid : nil) else { return nil }
        let isClosed = place.status.st_mode & 0o002 == 0 && !place.gives(0o030, to: group)
        let closed = files.filter { !$0.path.hasSuffix(".lock") && !$0.gives(0o060, to: group) }
        guard isClosed || !closed.isEmpty else { return nil }
        let what = (isClosed ? [folder] : []) + closed.map(\.path)
        let name = ServiceUser.name(ofGroup: group)
        let text = "applications of group \(name) cannot write \(what.joined(separator: ", "))"
        return Finding(.warning, "database", text, run: remedy(isClosed ? place : nil, closed, owners(place, group)))
    }

    // The group is how daemon and applications share the files, so the owner stays who it is elsewhere.
    private func remedy(_ place: File?, _ files: [File], _ owners: String) -> String {
        var commands: [String] = []
        if let place {
            // A folder of the system's keeps what it grants to others.
            let mode = place.status.st_uid == 0 && folder != Self.ownFolder ? "g+rwxs" : "2770"
            commands.append("chown \(owners) \(folder.asShellWord) && chmod \(mode) \(folder.asShellWord)")
        }
        if !files.isEmpty {
            let names = files.map(\.path.asShellWord).joined(separator: " ")
            commands.append("chown \(owners) \(names) && chmod 660 \(names)")
        }
        return commands.joined(separator: " && ")
    }

    private func owners(_ place: File, _ group: gid_t) -> String {
        // Root checks on behalf of the service.
        let owner = folder == Self.ownFolder && user.id != 0 ? user.id : place.status.st_uid
        return "\(ServiceUser.login(of: owner) ?? "\(owner)"):\(ServiceUser.name(ofGroup: group))"
    }
}
