import RefundScheduler
import Testing

private actor Counter {
    private let executor = DispatchQueueExecutor(label: "test")
    private(set) var count = 0

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    func add() {
        count += 1
    }

    nonisolated func addWithoutTask(_ done: @escaping @Sendable () -> Void) {
        executor.async { [self] in
            assumeIsolated { $0.add() }
            done()
        }
    }
}

struct DispatchQueueExecutorTests {
    @Test func actorRunsEveryCallOnTheQueue() async {
        let counter = Counter()
        await withTaskGroup { group in
            for _ in 0..<1_000 { group.addTask { await counter.add() } }
        }
        #expect(await counter.count == 1_000)
    }

    @Test func closureOnTheQueueMayAssumeIsolation() async {
        let counter = Counter()
        await withCheckedContinuation { continuation in counter.addWithoutTask { continuation.resume() } }
        #expect(await counter.count == 1)
    }
}
