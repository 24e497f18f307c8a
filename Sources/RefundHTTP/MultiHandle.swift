import CCurl

/// A libcurl multi handle: the connections of one client and the exchanges over them.
///
/// Source: <https://curl.se/libcurl/c/libcurl-multi.html>.
// Unchecked: all but `wakeUp` is called on the client's thread only, and libcurl allows `curl_multi_wakeup` on any. Whoever
// is about to wake a thread that ends keeps the handle until then; nothing uses it any more.
@safe
final class MultiHandle: @unchecked Sendable {
    private let pointer: UnsafeMutableRawPointer

    /// Creates a handle with bounds on the connections, idle ones included.
    init(_ settings: HTTPClient.Settings) throws(HTTPError) {
        guard let pointer = unsafe curl_multi_init() else { throw HTTPError(CURLE_OUT_OF_MEMORY) }
        unsafe self.pointer = pointer
        let total = settings.connectionBound
        try HTTPError.check(unsafe ccurl_multi_set_long(pointer, CURLMOPT_MAX_TOTAL_CONNECTIONS, total))
        try HTTPError.check(unsafe ccurl_multi_set_long(pointer, CURLMOPT_MAXCONNECTS, total))
        let perHost = settings.hostConnectionBound
        try HTTPError.check(unsafe ccurl_multi_set_long(pointer, CURLMOPT_MAX_HOST_CONNECTIONS, perHost))
    }

    deinit {
        unsafe curl_multi_cleanup(pointer)
    }

    /// Starts an exchange.
    func add(_ handle: EasyHandle) throws(HTTPError) {
        try HTTPError.check(unsafe curl_multi_add_handle(pointer, handle.pointer))
    }

    /// Ends an exchange, complete or not.
    func remove(_ handle: EasyHandle) {
        unsafe curl_multi_remove_handle(pointer, handle.pointer)
    }

    /// Does what can be done without waiting.
    func perform() throws(HTTPError) {
        var running: Int32 = 0
        try HTTPError.check(unsafe curl_multi_perform(pointer, &running))
    }

    /// Waits for a socket, a timer of libcurl, a wake-up, or the end of the time.
    func wait(atMost milliseconds: Int32) throws(HTTPError) {
        try HTTPError.check(unsafe curl_multi_poll(pointer, nil, 0, milliseconds, nil))
    }

    /// Ends the wait that is under way, or else the next one; may be called on any thread.
    func wakeUp() {
        unsafe curl_multi_wakeup(pointer)
    }

    /// Returns the next exchange that has ended, with its result.
    func nextCompleted() -> (id: EasyHandle.ID, code: CURLcode)? {
        var remaining: Int32 = 0
        while let message = unsafe curl_multi_info_read(pointer, &remaining) {
            guard unsafe message.pointee.msg == CURLMSG_DONE else { continue }
            return unsafe (EasyHandle.ID(message.pointee.easy_handle), message.pointee.data.result)
        }
        return nil
    }
}
