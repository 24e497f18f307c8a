import CLinux

/// What a file's access control list adds to owner, group and mode.
enum AccessControlList {
    /// Whether a file has one.
    ///
    /// Source: acl(5).
    static func exists(_ path: String) -> Bool {
        unsafe getxattr(path, "system.posix_acl_access", nil, 0) > 0
    }
}
