import CLinux
import Glibc
import RefundCore
import RefundStore

/// Checks that a user can serve a database: its folder, its files, its file system and its queue.
struct DatabaseCheck {
    // The daemon stops writing when the disk is full; this leaves room for about 10,000 settled refunds.
    private static let scarceBytes: UInt64 = 64 << 20
    // SQLite's write-ahead log needs memory that all processes share. Source: statfs(2), sqlite.org/wal.html.
    private static let networkFileSystems: [Int: String] = [
        0x6969: "NFS", 0xFF53_4D42: "CIFS", 0xFE53_4D42: "SMB", 0x517B: "SMB", 0x0102_1997: "9p", 0x00C3_6400: "Ceph",
    ]

    let path: String
    let user: ServiceUser

    /// Runs the check; never creates or changes a file.
    ///
    /// - Returns: The findings; empty without a problem.
    func findings() -> [Finding] {
        let real = DatabasePath.real(path)
        let folder = DatabasePath.folder(of: path)
        let barrier = barrier(above: folder)
        guard barrier.isEmpty else { return barrier }
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else {
            let problem = "the folder \(folder) cannot be found (\(SystemError())); mount its file system, or create it"
            return [finding(.problem, problem, run: "install -d -o \(user.name) \(folder.asShellWord)")]
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return [finding(.problem, "\(folder) is not a folder")] }
        let place = fileSystem(folder)
        guard !place.isReadOnly else {
            let problem = "\(folder) is on a read-only file system; remount it, or set [database] path to another one"
            return [finding(.problem, problem, run: "findmnt --target \(folder.asShellWord)")]
        }
        return place.findings + DatabasePermissions(file: real, folder: folder, user: user).findings()
            + queueFindings(real)
    }

    /// Checks only whether the user can reach and write the files that exist.
    func accessFindings() -> [Finding] {
        let folder = DatabasePath.folder(of: path)
        let barrier = barrier(above: folder)
        guard barrier.isEmpty else { return barrier }
        return DatabasePermissions(file: DatabasePath.real(path), folder: folder, user: user).findings()
    }

    // The permissions of the folder itself are judged with those of the files.
    private func barrier(above folder: String) -> [Finding] {
        var place = "/"
        for name in folder.split(separator: "/").dropLast() {
            place += (place == "/" ? "" : "/") + name
            var status = stat()
            guard unsafe stat(place, &status) == 0 else { return [] }
            guard status.st_mode & S_IFMT == S_IFDIR, !user.mayEnter(place) else { continue }
            let mode = String(status.st_mode & 0o7777, radix: 8)
            let text = "user \(user.name) cannot enter \(place) (mode \(mode)), which \(path) is in"
            return [finding(.problem, text, run: "chmod o+x \(place.asShellWord)")]
        }
        return []
    }

    /// Checks only the space and the kind of the file system.
    func spaceFindings() -> [Finding] {
        fileSystem(DatabasePath.folder(of: path)).findings
    }

    private func finding(_ gravity: Finding.Gravity, _ text: String, run command: String? = nil) -> Finding {
        Finding(gravity, "database", text, run: command)
    }

    private func fileSystem(_ folder: String) -> (isReadOnly: Bool, findings: [Finding]) {
        var space = statvfs()
        var kind = statfs()
        guard unsafe statvfs(folder, &space) == 0, unsafe statfs(folder, &kind) == 0 else { return (false, []) }
        var findings: [Finding] = []
        let free = UInt64(space.f_bavail) * UInt64(space.f_frsize)
        if free < Self.scarceBytes {
            let (left, command) = ("\(free >> 20) MiB left", "df -h \(folder.asShellWord)")
            findings.append(
                free < 1 << 20
                    ? finding(
                        .problem,
                        "the disk of \(folder) is full (\(left)); free some space; nothing in the queue is lost, but"
                            + " applications cannot insert meanwhile",
                        run: command
                    )
                    : finding(.warning, "\(folder) has only \(left); free some space", run: command)
            )
        }
        if space.f_files > 0, space.f_favail == 0 {
            findings.append(finding(.problem, "\(folder) has no inode left", run: "df -i \(folder.asShellWord)"))
        }
        if let name = Self.networkFileSystems[Int(kind.f_type) & 0xFFFF_FFFF] {
            let problem = "\(folder) is on \(name), where SQLite cannot share a database; use a local file system"
            findings.append(finding(.warning, problem))
        }
        return (space.f_flag & UInt(ST_RDONLY) != 0, findings)
    }

    // Reads the schema as a command does; the daemon creates a queue that does not exist yet.
    private func queueFindings(_ real: String) -> [Finding] {
        do throws(StoreError) {
            let store = try SQLiteStore(path: path, access: .readOnly)
            defer { store.close() }
            try store.checkSchema()
            let problems = try store.read { tx throws(StoreError) in try tx.schemaProblems() }
            return problems.map { finding(.warning, $0, run: "refundd verify") }
        } catch  where error.kind == .notInitialised {
            return [finding(.note, "\(path) has no queue yet; the daemon creates it", run: "refundd init")]
        } catch  where error.kind == .olderSchema {
            return [finding(.note, error.description)]
        } catch {
            return [finding(.problem, error.description)]
        }
    }
}
