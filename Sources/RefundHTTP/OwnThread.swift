import CCurl
import Glibc

/// A thread of the system's, apart from the pools of Dispatch and Swift concurrency, which must not be blocked.
struct OwnThread: Sendable {
    private let identifier: pthread_t

    /// Creates and starts a thread, on which no signal is delivered.
    ///
    /// - Parameters:
    ///   - name: The name that `ps` and `top` show; Linux takes its first 15 bytes.
    ///   - body: The work; the thread ends when it returns.
    /// - Throws: `HTTPError.other` when the system has no thread to give.
    init(name: String, body: @escaping @Sendable () -> Void) throws(HTTPError) {
        let work = Work(name: name, body: body)
        let context = unsafe Unmanaged.passRetained(work).toOpaque()
        var identifier = pthread_t()
        let code = unsafe pthread_create(&identifier, nil, runWork, context)
        guard code == 0 else {
            unsafe Unmanaged<Work>.fromOpaque(context).release()
            throw .other(code: Int(code), text: unsafe String(cString: strerror(code)))
        }
        self.identifier = identifier
    }

    /// Whether the caller is on this thread; of use only while it is neither joined nor detached.
    var isCurrent: Bool { pthread_equal(pthread_self(), identifier) != 0 }

    /// Waits for the thread's end; called once, and not with `detach`.
    func join() {
        pthread_join(identifier, nil)
    }

    /// Lets the thread end by itself; called once, and not with `join`.
    func detach() {
        pthread_detach(identifier)
    }
}

private final class Work: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    func run() {
        // The threads that libcurl starts to resolve names inherit this: signals are the program's affair.
        var signals = sigset_t()
        unsafe sigfillset(&signals)
        unsafe pthread_sigmask(SIG_SETMASK, &signals, nil)
        unsafe ccurl_name_thread(name)
        body()
    }
}

private func runWork(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    unsafe Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
