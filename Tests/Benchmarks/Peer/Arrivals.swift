import Glibc
import Synchronization

/// What arrived and when, in the order of arriving.
final class Arrivals: Sendable {
    private let arrivals = Mutex<[(number: Int, nanoseconds: Int64)]>([])

    /// Takes note that something about a refund is here.
    func add(_ number: Int) {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let nanoseconds = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        arrivals.withLock { $0.append((number, nanoseconds)) }
    }

    /// Forgets everything.
    func removeAll() {
        arrivals.withLock { $0.removeAll(keepingCapacity: true) }
    }

    /// How much arrived.
    var count: Int {
        arrivals.withLock { $0.count }
    }

    /// A line for each, number and time.
    var lines: String {
        arrivals.withLock { arrivals in
            arrivals.reduce(into: "") { $0 += "\($1.number) \($1.nanoseconds)\n" }
        }
    }
}
