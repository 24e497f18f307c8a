import RefundCore

/// What is to happen, in the order of its time; what has the same time happens in the order it was entered.
struct Agenda {
    typealias Happening = () throws -> Void

    private struct Entry {
        let time: Timestamp
        let number: Int
        let happening: Happening

        func comes(before other: Entry) -> Bool {
            time == other.time ? number < other.number : time < other.time
        }
    }

    // A binary heap: an entry comes before the two behind it.
    private var heap: [Entry] = []
    private var count = 0

    mutating func add(at time: Timestamp, _ happening: @escaping Happening) {
        heap.append(Entry(time: time, number: count, happening: happening))
        count += 1
        var child = heap.count - 1
        while child > 0, heap[child].comes(before: heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Takes out what happens next.
    mutating func next() -> (time: Timestamp, happening: Happening)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            heap[0] = last
            sinkFirst()
        }
        return (first.time, first.happening)
    }

    private mutating func sinkFirst() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].comes(before: heap[least]) { least = child }
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
