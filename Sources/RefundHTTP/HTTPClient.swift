import CCurl
import Synchronization

/// Sends requests over HTTP/1.1, with or without TLS, on a thread of its own.
///
/// An idle client costs nothing: its thread sleeps until a request arrives. Certificates and host names are always
/// verified, redirects are never followed, and the environment (proxies, OpenSSL's variables) is ignored.
///
/// ## Connections
///
/// Connections stay open for further requests to the same host, for a minute or two. `HTTPRequest.vetAddress` vets an
/// address only when a connection is opened, so all requests of a client must use the same rules. When the rules change,
/// replace the client.
///
/// No request is sent on an idle connection on which something has arrived. A request that fails on an idle connection
/// before any response is repeated once, on a new connection and within the same timeout. The server may then receive
/// it twice.
///
/// ## Completions
///
/// Completions run on the client's thread and hold up its other exchanges: they may verify a signature, but must not
/// block. They may send further requests and may shut the client down.
package final class HTTPClient: HTTPTransport {
    private let queue: SubmissionQueue
    private let thread: DedicatedThread
    private let isJoined = Mutex(false)

    /// Creates a client and starts its thread.
    ///
    /// - Parameter settings: The settings common to all requests.
    /// - Throws: `HTTPError.invalidHeader` if the user agent is not a header value; `HTTPError.other` if libcurl or the
    ///   system is out of memory or threads.
    package init(settings: Settings) throws(HTTPError) {
        try HTTPError.check(CurlLibrary.initialization)
        guard HeaderField.isValue(settings.userAgent) else { throw .invalidHeader }
        let multi = try MultiHandle(settings)
        let queue = SubmissionQueue(waking: multi)
        self.queue = queue
        thread = try DedicatedThread(name: settings.name) {
            var loop = TransferLoop(settings, queue: queue, multi: multi)
            loop.run()
        }
    }

    deinit {
        guard !isJoined.withLock({ $0 }) else { return }
        queue.close()
        // A completion may hold the last reference, and a thread cannot join itself.
        if thread.isCurrent {
            thread.detach()
        } else {
            thread.join()
        }
    }

    /// Sends a request.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - completion: Called exactly once with the response or the reason there is none: on the client's thread, or, if
    ///     the client has been shut down, on the caller's thread before this method returns.
    package func send(
        _ request: HTTPRequest,
        completion: @escaping @Sendable (Result<HTTPResponse, HTTPError>) -> Void
    ) {
        let timeout = Duration.milliseconds(request.timeout.wholeMillisecondsForCurl)
        let submission = Submission(request: request, deadline: .now + timeout, completion: completion)
        if !queue.append(submission) {
            completion(.failure(.interrupted))
        }
    }

    /// Ends everything in progress with `HTTPError.interrupted`, closes the connections and joins the thread.
    ///
    /// A completion may call it, but then it does not wait. Further calls have no effect.
    package func shutDown() {
        queue.close()
        guard !thread.isCurrent else { return }
        // Joining under the lock makes concurrent calls wait, too.
        isJoined.withLock { isJoined in
            guard !isJoined else { return }
            thread.join()
            isJoined = true
        }
    }
}

extension HTTPClient {
    /// The settings common to all requests of a client.
    package struct Settings: Sendable {
        /// The maximum number of connections, idle ones included, and so of concurrent exchanges.
        package var maxConnections: Int
        /// The name of the client's thread; Linux keeps 15 bytes.
        package var name: String
        /// The value of the `User-Agent` field.
        package var userAgent: String
        /// How many seconds a connection may be idle and still be used: less than common servers and firewalls allow.
        var maxIdleSeconds = 50
        /// How many seconds a connection may be used after it was opened, so that a change in DNS takes effect.
        var maxConnectionSeconds = 90
        /// How many seconds a resolved name is kept.
        var maxResolutionSeconds = 30
        /// Addresses that replace DNS in tests: `HOST:PORT:ADDRESS[,ADDRESS]`.
        var resolutions: [String] = []
        /// The system's certificate authorities.
        var trustStore = TrustStore.system

        /// Creates settings.
        ///
        /// - Parameters:
        ///   - maxConnections: The maximum number of connections, at least 1.
        ///   - name: The name of the client's thread.
        ///   - userAgent: The value of the `User-Agent` field.
        package init(maxConnections: Int, name: String, userAgent: String) {
            self.maxConnections = maxConnections
            self.name = name
            self.userAgent = userAgent
        }

        /// The limit on connections; libcurl takes 0 for "unlimited".
        var connectionLimit: Int { max(maxConnections, 1) }
    }
}

/// A request on its way from the caller to the client's thread.
struct Submission: Sendable {
    /// The request.
    let request: HTTPRequest
    /// When its timeout expires.
    let deadline: ContinuousClock.Instant
    /// Receives the result, once.
    let completion: @Sendable (Result<HTTPResponse, HTTPError>) -> Void
}

/// Hands requests from callers to the client's thread.
final class SubmissionQueue: Sendable {
    private struct State {
        var submissions: [Submission] = []
        var isOpen = true
        // Whether the thread sleeps, or is about to, and nobody has woken it yet.
        var isAsleep = false
        /// Wakes the thread; dropped when the thread ends.
        var multi: MultiHandle?
    }

    private let state: Mutex<State>

    /// Creates an empty queue.
    ///
    /// - Parameter multi: The handle whose `wait` the consuming thread sleeps in.
    init(waking multi: MultiHandle) {
        state = Mutex(State(multi: multi))
    }

    /// Appends a request and wakes the thread; returns `false` if the queue is closed.
    func append(_ submission: Submission) -> Bool {
        let (isOpen, sleeper): (Bool, MultiHandle?) = state.withLock { state in
            guard state.isOpen else { return (false, nil) }
            state.submissions.append(submission)
            defer { state.isAsleep = false }
            return (true, state.isAsleep ? state.multi : nil)
        }
        // Outside the lock, which the woken thread takes first.
        sleeper?.wakeUp()
        return isOpen
    }

    /// Removes and returns all requests, or returns `nil` once the queue is closed.
    func take() -> [Submission]? {
        state.withLock { state in
            guard state.isOpen else { return nil }
            state.isAsleep = false
            return Self.takeAll(&state)
        }
    }

    /// Announces that the thread is about to sleep.
    ///
    /// - Returns: False if there is something to take instead, or the queue is closed.
    func prepareToSleep() -> Bool {
        state.withLock { state in
            state.isAsleep = state.isOpen && state.submissions.isEmpty
            return state.isAsleep
        }
    }

    /// Closes the queue and wakes the thread.
    func close() {
        state.withLock { state in
            state.isOpen = false
            state.multi?.wakeUp()
        }
    }

    /// Removes and returns what a closed queue still holds; the thread's last call.
    func takeRemaining() -> [Submission] {
        state.withLock { state in
            state.multi = nil
            return Self.takeAll(&state)
        }
    }

    private static func takeAll(_ state: inout State) -> [Submission] {
        guard !state.submissions.isEmpty else { return [] }
        defer { state.submissions = [] }
        return state.submissions
    }
}
