import Foundation
package import Glibc

/// The user that runs the daemon, whose access to files is judged.
package struct ServiceUser: Hashable, Sendable {
    /// The user's id.
    package let id: uid_t
    /// The user's groups.
    package let groups: Set<gid_t>
    /// The login name, or the id.
    package let name: String

    /// The user that runs this process.
    package static var current: ServiceUser { ServiceUser(id: geteuid()) }

    /// Creates a user from an id.
    package init(id: uid_t) {
        self.id = id
        name = Self.login(of: id) ?? "\(id)"
        groups = id == geteuid() ? [getegid()] : Self.groups(of: id)
    }

    /// Returns the effective user of a process, or nil.
    ///
    /// The owner of its folder in `/proc` says nothing: a process that hides its memory belongs to root there. Source:
    /// proc(5).
    package static func id(ofProcess pid: Int32) -> uid_t? {
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Uid:") })
        else { return nil }
        // Real, effective, saved and file system user.
        let fields = line.split(whereSeparator: \.isWhitespace)
        return fields.count > 2 ? uid_t(fields[2]) : nil
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
    /// For another user than this process's, owner, group and mode decide; access control lists do not count.
    package func mayWrite(_ path: String) -> Bool { may(W_OK, 0o2, path) }

    /// Returns whether the user may read a file.
    package func mayRead(_ path: String) -> Bool { may(R_OK, 0o4, path) }

    private func may(_ access: Int32, _ bit: mode_t, _ path: String) -> Bool {
        if id == geteuid() { return unsafe faccessat(AT_FDCWD, path, access, AT_EACCESS) == 0 }
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return false }
        if id == 0 { return true }
        let shift: mode_t = status.st_uid == id ? 6 : groups.contains(status.st_gid) ? 3 : 0
        return status.st_mode & (bit << shift) != 0
    }
}
