import CCurl
import Glibc

/// A system thread outside the pools of Dispatch and Swift concurrency, so it may block.
struct DedicatedThread: Sendable {
    private let identifier: pthread_t

    /// Starts a thread with all signals blocked.
    ///
    /// - Parameters:
    ///   - name: The name that `ps` and `top` show; Linux keeps 15 bytes.
    ///   - body: The work; the thread ends when it returns.
    /// - Throws: `HTTPError.other` if the system cannot create a thread.
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

    /// Whether the caller runs on this thread; valid only until the thread is joined or detached.
    var isCurrent: Bool { pthread_equal(pthread_self(), identifier) != 0 }

    /// Waits for the thread to end.
    ///
    /// Call either this or `detach`, once.
    func join() {
        pthread_join(identifier, nil)
    }

    /// Lets the thread end by itself.
    ///
    /// Call either this or `join`, once.
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
        // libcurl's resolver threads inherit this mask: the program handles signals elsewhere.
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
