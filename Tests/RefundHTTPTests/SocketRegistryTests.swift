import Glibc
import Testing

@testable import RefundHTTP

struct SocketRegistryTests {
    private static let address = SocketRegistry.Address(bytes: [127, 0, 0, 2], port: 1)

    private func newSocket() -> Int32 {
        socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }

    @Test func addressIsSilentOnceItsPatienceIsOver() {
        let registry = SocketRegistry()
        let (patient, impatient) = (newSocket(), newSocket())
        registry.opened(patient, to: Self.address, patience: nil)
        registry.abandonSilentAddresses()
        #expect(!registry.isSilent(Self.address))
        registry.opened(impatient, to: Self.address, patience: .zero)
        registry.abandonSilentAddresses()
        #expect(registry.isSilent(Self.address))
        #expect(registry.close(patient) == 0)
        #expect(registry.close(impatient) == 0)
        #expect(!registry.isConnecting)
    }

    /// As long as TCP itself waits before it asks again, and never so long that no time is left for other addresses.
    @Test(arguments: [(10_000, 1_000), (15_000, 1_000), (2_000, 500), (100, 25)])
    func addressHasASecondToRespond(timeout: Int, patience: Int) throws {
        var request = HTTPRequest(test: "http://pair.test/")
        request.timeout = .milliseconds(timeout)
        let submission = Submission(request: request, deadline: .now) { _ in }
        let transfer = Transfer(submission, to: try RequestTarget(request.url), over: SocketRegistry())
        #expect(transfer.patience == .milliseconds(patience))
    }

    /// libcurl closes some sockets itself, and another thread may get the same descriptor.
    @Test func descriptorOfAnotherSocketIsNotTouched() throws {
        let registry = SocketRegistry()
        let descriptor = newSocket()
        registry.opened(descriptor, to: Self.address, patience: .zero)
        let listener = try LoopbackSocket(.ipv4)
        try listener.listen()
        // Replaces the socket behind the registry's back.
        #expect(dup2(listener.descriptor, descriptor) == descriptor)
        registry.abandonSilentAddresses()
        #expect(!registry.isConnecting)
        #expect(!registry.isSilent(Self.address))
        var isListening: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        #expect(unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0)
        #expect(isListening == 1)
        close(descriptor)
        close(listener.descriptor)
    }
}
