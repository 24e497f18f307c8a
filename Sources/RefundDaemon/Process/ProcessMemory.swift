import CLinux
import Glibc
import RefundHTTP

/// The memory of this process, which holds keys and secrets once they are read.
enum ProcessMemory {
    /// Keeps the memory out of core dumps and from other programs of the same user.
    ///
    /// A process that is not dumpable leaves no core, not even to a handler that ignores the limit, and only root may
    /// trace it. The limit says the same once more, for kernels that know no such processes. The price is that the
    /// process's files in `/proc` belong to root: a command of the same user cannot find out what the daemon has open,
    /// and a debugger has to run as root.
    ///
    /// A crash must end the process at once all the same: the handlers that Swift installs where its toolchain is found
    /// start a program that traces this one, wait for it, and would wait for ever now that nobody may trace.
    ///
    /// Source: PR_SET_DUMPABLE in prctl(2), core(5), ptrace(2).
    ///
    /// - Throws: `CommandFailure` when the system refuses, so that no key is read into memory that others can see.
    static func hide() throws(CommandFailure) {
        // Otherwise OpenSSL could be told to load other code, and libcurl to write session keys to a file.
        ProcessEnvironment.removeLibraryVariables()
        guard clinux_set_dumpable(0) == 0, clinux_set_core_limit(0) == 0 else {
            let reason = unsafe String(cString: strerror(errno))
            throw CommandFailure(.failed, ["the system does not let keys be kept out of core dumps: \(reason)"])
        }
        for crash in [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV] { _ = signal(crash, SIG_DFL) }
    }
}
