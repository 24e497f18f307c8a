import Foundation
package import Glibc

/// The user that runs the daemon; the checks judge its access to files.
package struct ServiceUser: Hashable, Sendable {
    /// The user's id.
    package let id: uid_t
    /// The user's groups.
    package let groups: Set<gid_t>
    /// The group of the files that the user creates.
    package let group: gid_t
    /// The group that the service was given besides the user's own, to share an application's files; nil without one.
    package let sharedGroup: gid_t?
    /// The login name, or the id.
    package let name: String

    /// The user that runs this process.
    package static var current: ServiceUser { ServiceUser(id: geteuid()) }

    /// Creates a user from an id.
    ///
    /// - Parameters:
    ///   - id: The user.
    ///   - group: The service's group; nil for the user's own.
    ///   - supplementary: The groups that the service has besides.
    package init(id: uid_t, group: gid_t? = nil, supplementary: [gid_t] = []) {
        self.id = id
        name = Self.login(of: id) ?? "\(id)"
        let own = Self.groups(of: id)
        let primary = id == geteuid() ? getegid() : unsafe getpwuid(id)?.pointee.pw_gid ?? id
        let effective = group ?? primary
        self.group = effective
        groups = own.union(supplementary).union([effective])
        sharedGroup = supplementary.first { $0 != effective && $0 != primary && !own.contains($0) }
    }

    /// Creates the effective user of a process, with its groups; nil if there is no such process.
    ///
    /// The owner of its folder in `/proc` says nothing: a process that hides its memory belongs to root there. Source:
    /// proc(5).
    package init?(ofProcess pid: Int32) {
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return nil }
        self.init(parsing: status)
    }

    init?(parsing status: String) {
        func numbers(_ name: String) -> [UInt32] {
            let line = status.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
            return line.split(whereSeparator: \.isWhitespace).dropFirst().compactMap { UInt32($0) }
        }
        // Real, effective, saved and file system user, and the same of the group.
        let (users, groups) = (numbers("Uid:"), numbers("Gid:"))
        guard users.count > 1, groups.count > 1 else { return nil }
        self.init(id: users[1], group: groups[1], supplementary: numbers("Groups:"))
    }

    /// Returns the name of a group, or its id.
    package static func name(ofGroup group: gid_t) -> String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { buffer in
            var entry = unsafe Glibc.group()
            var found: UnsafeMutablePointer<Glibc.group>?
            guard let start = buffer.baseAddress,
                unsafe getgrgid_r(group, &entry, start, buffer.count, &found) == 0,
                let found = unsafe found, let name = unsafe found.pointee.gr_name
            else { return "\(group)" }
            return unsafe String(cString: name)
        }
    }

    /// Returns the login name of a user, or nil.
    package static func login(of user: uid_t) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { buffer in
            var entry = unsafe passwd()
            var found: UnsafeMutablePointer<passwd>?
            guard let start = buffer.baseAddress,
                unsafe getpwuid_r(user, &entry, start, buffer.count, &found) == 0,
                let found = unsafe found, let name = unsafe found.pointee.pw_name
            else { return nil }
            return unsafe String(cString: name)
        }
    }

    private static func groups(of id: uid_t) -> Set<gid_t> {
        guard let entry = unsafe getpwuid(id) else { return [] }
        var count: Int32 = 256
        var groups = [gid_t](repeating: 0, count: Int(count))
        guard unsafe getgrouplist(entry.pointee.pw_name, entry.pointee.pw_gid, &groups, &count) >= 0 else {
            return [unsafe entry.pointee.pw_gid]
        }
        return Set(groups.prefix(Int(count)))
    }

    /// Returns whether the user may write a file, or create files in a folder.
    ///
    /// For any user but this process's own, owner, group and mode decide; a file with an access control list counts as
    /// accessible.
    package func mayWrite(_ path: String) -> Bool { may(W_OK, 0o2, path) }

    /// Returns whether the user may read a file.
    package func mayRead(_ path: String) -> Bool { may(R_OK, 0o4, path) }

    /// Returns whether the user may reach what is in a folder.
    package func mayEnter(_ folder: String) -> Bool { may(X_OK, 0o1, folder) }

    private func may(_ access: Int32, _ bit: mode_t, _ path: String) -> Bool {
        if id == geteuid() {
            if unsafe faccessat(AT_FDCWD, path, access, AT_EACCESS) == 0 { return true }
            // The service may have groups that this process lacks.
            if id == 0 || sharedGroup == nil { return false }
        }
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return false }
        if id == 0 { return true }
        let shift: mode_t = status.st_uid == id ? 6 : groups.contains(status.st_gid) ? 3 : 0
        if status.st_mode & (bit << shift) != 0 { return true }
        // Only the kernel knows whom an access control list lets in.
        return AccessControlList.exists(path)
    }
}
