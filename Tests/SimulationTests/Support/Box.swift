import Synchronization

/// A place for one value, which a completion handler fills.
final class Box<Value: Sendable>: Sendable {
    private let content = Mutex<Value?>(nil)

    func put(_ value: Value) {
        content.withLock { $0 = value }
    }

    func take() -> Value? {
        content.withLock { content in
            defer { content = nil }
            return content
        }
    }
}
