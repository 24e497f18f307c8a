import RefundAdmin

/// The admin address while it is served.
struct AdminListener: Sendable {
    /// The port that is listened on.
    let port: Int
    private let serving: Task<Void, Never>

    /// Serves an address, and returns once it is listened on.
    ///
    /// - Parameters:
    ///   - server: The address and what is answered there.
    ///   - onFailure: Called when it is served no more although nobody stopped it.
    /// - Throws: `AdminError` when the address cannot be listened on.
    init(_ server: AdminServer, onFailure: @escaping @Sendable (AdminError) -> Void) async throws(AdminError) {
        let (outcomes, tell) = AsyncStream<Result<Int, AdminError>>.makeStream()
        serving = Task {
            do throws(AdminError) {
                try await server.run { port in tell.yield(.success(port)) }
            } catch {
                tell.yield(.failure(error))
            }
            tell.finish()
        }
        guard let first = await outcomes.first(where: { _ in true }) else {
            serving.cancel()
            throw .cannotListen("the admin address", reason: "the daemon is ending")
        }
        port = try first.get()
        Task {
            for await case .failure(let error) in outcomes { onFailure(error) }
        }
    }

    /// Stops listening and closes every connection.
    func stop() {
        serving.cancel()
    }
}
