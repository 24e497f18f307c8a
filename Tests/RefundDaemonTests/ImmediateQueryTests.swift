import RefundConfiguration
import RefundCore
import RefundStore
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

struct ImmediateQueryTests {
    /// A daemon that is busy is no gateway that is unavailable.
    @Test func busyDaemonIsNotReportedAsAnUnavailableGateway() async throws {
        let fixture = try QueueFixture()
        guard case .taken(let lock) = try DaemonLock.attempt(fixture.store.path, for: .daemon) else {
            throw CancellationError()
        }
        let id = try fixture.enqueue("R-1")
        let query = ImmediateQuery(try fixture.configuration(), fixture.store, patience: .zero)
        let refund = try fixture.store.command { tx throws(StoreError) in try query.request(id, by: "ada", tx) }
        let failure = await #expect(throws: CommandFailure.self) { try await query.answer(to: refund) }
        #expect(failure?.status == .failed)
        #expect(failure?.messages.first?.hasPrefix("refundd is running but has not queried #1 R-1 within") == true)
        withExtendedLifetime(lock) {}
    }
}
