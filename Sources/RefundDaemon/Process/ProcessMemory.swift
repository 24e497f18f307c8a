import CLinux
import Glibc
import RefundCore
import RefundHTTP

/// This process's memory, which holds keys and secrets.
enum ProcessMemory {
    /// Keeps the memory out of core dumps, and from other programs of the same user.
    ///
    /// A process that is not dumpable leaves no core, not even for a handler that ignores the limit, and only root may
    /// trace it. The limit covers kernels that do not support the flag. In return, the process's files in `/proc`
    /// belong to root: a command of the same user cannot see which files the daemon has open, and a debugger must run
    /// as root.
    ///
    /// The default signal handlers are restored so that a crash ends the process at once. The Swift runtime's handlers
    /// start a program that traces this process, and would now wait for it forever.
    ///
    /// Source: PR_SET_DUMPABLE in prctl(2), core(5), ptrace(2).
    ///
    /// - Throws: `CommandFailure` if the system refuses; no key may then be read into memory that others can see.
    static func hide() throws(CommandFailure) {
        // Variables of the environment could make OpenSSL load other code, or libcurl write session keys to a file.
        ProcessEnvironment.removeLibraryVariables()
        guard clinux_set_dumpable(0) == 0, clinux_set_core_limit(0) == 0 else {
            throw CommandFailure(.failed, ["cannot keep keys out of core dumps: \(SystemError())"])
        }
        for crash in [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV] { _ = signal(crash, SIG_DFL) }
    }
}
