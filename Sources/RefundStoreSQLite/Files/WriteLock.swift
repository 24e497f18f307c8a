import Glibc
import Synchronization

/// The lock that a writer has on a database's `-shm` file.
enum WriteLock {
    // The byte that a writer locks. Source: sqlite.org/walformat.html, section 2.3.
    private static let byte: off_t = 120
    // Never closed: that would drop the locks that SQLite has on the file in this process. Source: fcntl_locking(2).
    private static let descriptors = Mutex<[FileIdentity: CInt]>([:])

    /// Asks which other process has the lock.
    ///
    /// - Parameter file: The `-shm` file.
    /// - Returns: The process; nil if there is none, or it is in another namespace.
    static func holder(of file: String) -> Int32? {
        guard let identity = FileIdentity(path: file) else { return nil }
        let descriptor = descriptors.withLock { descriptors in
            if let descriptor = descriptors[identity] { return descriptor }
            let descriptor = unsafe open(file, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
            if descriptor >= 0 { descriptors[identity] = descriptor }
            return descriptor
        }
        guard descriptor >= 0 else { return nil }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = byte
        lock.l_len = 1
        guard unsafe fcntl(descriptor, F_GETLK, &lock) == 0, lock.l_type != Int16(F_UNLCK), lock.l_pid > 0 else {
            return nil
        }
        return lock.l_pid
    }
}
