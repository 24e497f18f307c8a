import Glibc

/// An error of the operating system.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The number, see errno(3).
    package let code: Int32

    /// Creates an error, by default from the calling thread's `errno`.
    package init(code: Int32 = errno) {
        self.code = code
    }

    /// The operating system's message.
    package var description: String { unsafe String(cString: strerror(code)) }
}
