import Glibc
import RefundCore
import RefundStore

/// Checks that inserts can be noticed at once.
enum WakeCheck {
    private static let limits = "fs.inotify.max_user_instances=1024 fs.inotify.max_user_watches=65536"

    /// Watches a folder for a moment, as the daemon does.
    static func finding(folder: String) -> Finding {
        let descriptor = inotify_init1(Int32(IN_CLOEXEC))
        guard descriptor >= 0 else { return exhausted(SystemError()) }
        defer { close(descriptor) }
        guard unsafe inotify_add_watch(descriptor, folder, UInt32(IN_MODIFY)) >= 0 else {
            return exhausted(SystemError())
        }
        return Finding(.fine, "inotify", "inserts are noticed at once")
    }

    private static func exhausted(_ error: SystemError) -> Finding {
        let problem = "cannot watch for inserts (\(error)), so they are noticed only ten times a second"
        return Finding(.warning, "inotify", problem, run: "sysctl \(limits)")
    }
}
