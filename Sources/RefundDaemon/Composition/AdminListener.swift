import RefundAdmin

/// The admin address while it is served, and tried again where it cannot be: refunds do not wait for it.
struct AdminListener: Sendable {
    private static let shortestWait: Duration = .seconds(1)
    private static let longestWait: Duration = .seconds(60)

    /// Why the first attempt to listen failed, or nil when it did not.
    let firstFailure: AdminError?
    private let serving: Task<Void, Never>

    /// Serves an address from now on, and returns once the first attempt to listen has an outcome.
    ///
    /// - Parameters:
    ///   - server: The address and what is answered there.
    ///   - report: Told of each port that is listened on, and why each attempt ended although nobody stopped it.
    init(_ server: AdminServer, report: @escaping @Sendable (Result<Int, AdminError>) -> Void) async {
        let (outcomes, tell) = AsyncStream<Result<Int, AdminError>>.makeStream(bufferingPolicy: .bufferingOldest(1))
        serving = Task {
            var wait = Self.shortestWait
            while !Task.isCancelled {
                let start = ContinuousClock.now
                do throws(AdminError) {
                    try await server.run { port in
                        report(.success(port))
                        tell.yield(.success(port))
                    }
                } catch {
                    report(.failure(error))
                    tell.yield(.failure(error))
                }
                // What was served for long before it failed is tried again soon.
                if ContinuousClock.now - start > Self.longestWait { wait = Self.shortestWait }
                try? await Task.sleep(for: wait)
                wait = min(wait * 2, Self.longestWait)
            }
        }
        if case .failure(let error) = await outcomes.first(where: { _ in true }) {
            firstFailure = error
        } else {
            firstFailure = nil
        }
    }

    /// Stops listening and closes every connection.
    func stop() {
        serving.cancel()
    }
}
