import Glibc
import RefundStore
import Testing

@testable import RefundStoreSQLite

/// Who holds a database.
struct FileHoldersTests {
    @Test func writerIsTheProcessThatLocksTheWritersByte() {
        let pid = getpid()
        let locks = """
            1: POSIX  ADVISORY  READ  1 fe:00:77 123 123
            2: POSIX  ADVISORY  WRITE 1 fe:00:78 120 120
            3: FLOCK  ADVISORY  WRITE 1 fe:00:77 0 EOF
            4: POSIX  ADVISORY  WRITE \(pid) fe:00:77 120 120
            4: -> POSIX  ADVISORY  WRITE 1 fe:00:77 120 120
            """
        #expect(FileHolders.writer(locks, inode: 77)?.pid == pid)
        #expect(FileHolders.writer(locks, inode: 77)?.name.isEmpty == false)
        #expect(FileHolders.writer(locks, inode: 7) == nil)
    }
}
