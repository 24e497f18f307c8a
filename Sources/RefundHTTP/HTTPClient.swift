import CCurl
import Synchronization

/// A client that sends POST requests over HTTP/1.1, in the clear or by TLS, on a thread of its own.
///
/// An idle client costs nothing: its thread sleeps until a request comes. Certificates and host names are always checked,
/// redirects are not followed, and neither proxies nor anything else of the environment is heeded.
///
/// ## Connections
///
/// A connection stays open for further requests to the same host, and was judged by `HTTPRequest.vetAddress` of the
/// request that opened it. All requests of one client must therefore be judged alike; when the rules change, a new
/// client takes over and this one is shut down.
///
/// A request sent on a connection kept open, which the server closes without a byte of an answer, is sent once more on a
/// new connection, within the same timeout: a server may see it twice.
///
/// ## Completions
///
/// A completion is called on the client's thread, which meanwhile serves nobody else: it does little, such as checking a
/// signature, and never blocks. It may send a further request and may shut the client down.
package final class HTTPClient: Sendable {
    private static let library: CURLcode = curl_global_init(Int(CURL_GLOBAL_SSL))

    private let inbox: Inbox
    private let thread: OwnThread
    private let isJoined = Mutex(false)

    /// Creates a client and starts its thread.
    ///
    /// - Parameter settings: What is the same for all requests.
    /// - Throws: `HTTPError.invalidHeader` when the user agent cannot be sent, `HTTPError.other` when libcurl or the
    ///   system has no memory or no thread to give.
    package init(settings: Settings) throws(HTTPError) {
        try HTTPError.check(Self.library)
        guard HeaderList.isFieldValue(settings.userAgent) else { throw .invalidHeader }
        let multi = try MultiHandle(settings)
        let inbox = Inbox(waking: multi)
        self.inbox = inbox
        thread = try OwnThread(name: settings.name) {
            var loop = TransferLoop(settings, inbox: inbox, multi: multi)
            loop.run()
        }
    }

    deinit {
        guard !isJoined.withLock({ $0 }) else { return }
        inbox.close()
        // The last reference may have been held by a completion: a thread cannot wait for itself.
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
    ///   - completion: A function called exactly once with the answer or why there is none: on the client's thread, or
    ///     on the caller's own, before this returns, when the client has been shut down.
    package func send(
        _ request: HTTPRequest,
        completion: @escaping @Sendable (Result<HTTPResponse, HTTPError>) -> Void
    ) {
        let timeout = Duration.milliseconds(request.timeout.wholeMillisecondsForCurl)
        let submission = Submission(request: request, deadline: .now + timeout, completion: completion)
        if !inbox.put(submission) {
            completion(.failure(.shutDown))
        }
    }

    /// Fails what is under way with `HTTPError.shutDown`, closes the connections and waits for the thread's end.
    ///
    /// Called by a completion it does not wait. Further calls do nothing.
    package func shutDown() {
        inbox.close()
        guard !thread.isCurrent else { return }
        // Under the lock: whoever comes second waits as well.
        isJoined.withLock { isJoined in
            guard !isJoined else { return }
            thread.join()
            isJoined = true
        }
    }
}
