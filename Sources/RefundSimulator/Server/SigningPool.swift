import Glibc
import NIOPosix

/// As many threads as there are cores, for the work that would hold up event loops and the cooperative pool.
struct SigningPool: Sendable {
    private let threads: NIOThreadPool

    /// Creates a pool and starts its threads.
    init() {
        threads = NIOThreadPool(numberOfThreads: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        threads.start()
    }

    /// Runs work on one of the threads.
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await threads.runIfActive(work)
    }

    /// Ends the threads after the work that was begun.
    func stop() async {
        // The only failure there is: that the threads have ended already.
        try? await threads.shutdownGracefully()
    }
}
