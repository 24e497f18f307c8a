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
