import Foundation
import Synchronization

/// Does something on a number of threads at the same time and returns what failed.
func concurrently(_ number: Int, _ body: @Sendable (Int) throws -> Void) -> [String] {
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: number) { index in
        do {
            try body(index)
        } catch {
            failures.withLock { $0.append("\(error)") }
        }
    }
    return failures.withLock { $0 }
}
