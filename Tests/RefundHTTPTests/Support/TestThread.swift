import Foundation

/// Runs a body that may block on a thread of its own.
func startThread(_ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.start()
}
