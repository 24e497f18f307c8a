import CLinux
import Glibc
import RefundCore

/// Checks the machine's clock.
enum ClockCheck {
    /// Asks the kernel whether the clock is synchronized.
    static func finding() -> Finding {
        var state = timex()
        let result = unsafe adjtimex(&state)
        return finding(isSynchronized: result >= 0 && result != TIME_ERROR && state.status & STA_UNSYNC == 0)
    }

    /// Judges the answer; a gateway refuses queries whose timestamp is further than 15 minutes from its own clock.
    static func finding(isSynchronized: Bool) -> Finding {
        guard !isSynchronized else { return Finding(.fine, "clock", "synchronized") }
        let problem = "nothing keeps the clock right; if it is 15 minutes off, the gateway refuses every query"
        return Finding(.warning, "clock", problem, run: "timedatectl set-ntp true")
    }
}
