import RefundCore

/// What will happen, ordered by time; events of the same time happen in the order in which they were added.
struct EventQueue {
    typealias Action = () throws -> Void

    private struct Event {
        let time: Timestamp
        let number: Int
        let action: Action

        func precedes(_ other: Event) -> Bool {
            time == other.time ? number < other.number : time < other.time
        }
    }

    // A binary heap: an event precedes its two children.
    private var heap: [Event] = []
    private var count = 0

    mutating func add(at time: Timestamp, _ action: @escaping Action) {
        heap.append(Event(time: time, number: count, action: action))
        count += 1
        var child = heap.count - 1
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Removes the next event.
    mutating func next() -> (time: Timestamp, action: Action)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            heap[0] = last
            siftDown()
        }
        return (first.time, first.action)
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].precedes(heap[least]) { least = child }
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
