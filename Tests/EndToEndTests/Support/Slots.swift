import Synchronization

/// A bound on how much runs at once, so that tests with processes of their own do not starve each other.
final class Slots: Sendable {
    /// The slots that all tests share.
    static let shared = Slots(count: 5)

    private struct State {
        var free: Int
        var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    /// How many there are; whoever takes all of them runs alone.
    let count: Int
    private let state: Mutex<State>

    init(count: Int) {
        self.count = count
        state = Mutex(State(free: count))
    }

    /// Waits, first come first served, until so many slots are free, and takes them.
    func take(_ count: Int) async {
        await withCheckedContinuation { continuation in
            state.withLock { $0.waiting.append((count, continuation)) }
            admit()
        }
    }

    func giveBack(_ count: Int) {
        state.withLock { $0.free += count }
        admit()
    }

    private func admit() {
        let admitted = state.withLock { state in
            var admitted: [CheckedContinuation<Void, Never>] = []
            while let next = state.waiting.first, next.count <= state.free {
                state.free -= next.count
                admitted.append(next.continuation)
                state.waiting.removeFirst()
            }
            return admitted
        }
        for continuation in admitted { continuation.resume() }
    }
}
