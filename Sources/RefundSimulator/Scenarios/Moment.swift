/// The point of a refund's story from which something holds.
package enum Moment: Hashable, Sendable {
    /// From the n-th accepted query on; 1 is the first.
    case query(Int)
    /// From this time after the first accepted query on.
    case elapsed(Duration)
    /// Never.
    case never

    /// Tells whether a refund that got this far has reached the moment.
    ///
    /// - Parameter progress: How far the refund is, the query that is being answered included.
    /// - Returns: True from the moment on.
    package func isReached(by progress: Progress) -> Bool {
        switch self {
        case .query(let number): progress.queries >= number
        case .elapsed(let duration): progress.elapsed >= duration
        case .never: false
        }
    }
}

/// How far a refund's story is, where only queries that passed every check count.
package struct Progress: Hashable, Sendable {
    /// The accepted queries so far, the one that is being answered included.
    package var queries: Int
    /// The time since the first of them.
    package var elapsed: Duration

    /// Creates a progress.
    package init(queries: Int, elapsed: Duration) {
        self.queries = queries
        self.elapsed = elapsed
    }
}
