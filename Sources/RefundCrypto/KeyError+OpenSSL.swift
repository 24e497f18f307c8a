import COpenSSL

extension KeyError {
    /// Turns the failure that libcrypto reported last on this thread into an error, and forgets it there.
    static func lastFailure() -> KeyError {
        defer { ERR_clear_error() }
        guard let reason = unsafe ERR_reason_error_string(ERR_peek_last_error()) else {
            return .cryptoFailure("it gave no reason")
        }
        return .cryptoFailure(unsafe String(cString: reason))
    }

    /// Tells whether libcrypto still holds an error of this thread, so that tests can see that none is left behind.
    package static var isErrorLeft: Bool {
        ERR_peek_error() != 0
    }
}
