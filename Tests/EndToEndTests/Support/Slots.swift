import Synchronization

/// A bound on how much runs at once, so that tests with processes of their own do not starve each other.
final class Slots: Sendable {
    /// The slots that all tests share.
    static let shared = Slots(count: 5)

    private struct Waiter {
        let count: Int
        let isLong: Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var free: Int
        var waiting: [Waiter] = []
    }

    /// How many there are; whoever takes all of them runs alone.
    let count: Int
    private let state: Mutex<State>

    init(count: Int) {
        self.count = count
        state = Mutex(State(free: count))
    }

    /// Waits until so many slots are free, and takes them.
    ///
    /// Long tests go first, so that none is left to run alone at the end. Otherwise, first come, first served.
    func take(_ count: Int, isLong: Bool) async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                let place = isLong ? state.waiting.firstIndex { !$0.isLong } : nil
                let waiter = Waiter(count: count, isLong: isLong, continuation: continuation)
                state.waiting.insert(waiter, at: place ?? state.waiting.endIndex)
            }
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
