import Glibc
import RefundAdmin
import RefundCore
import RefundStore
import RefundTestSupport
import Testing

@testable import RefundDaemon

/// Whether the daemon can listen on its admin address.
struct AdminAddressCheckTests {
    private static func daemon(_ pid: Int32) -> DaemonPresence {
        .running(ServingDaemon(pid: pid, version: "1", since: Timestamp(milliseconds: 0)))
    }

    /// Runs a body while a server of this process listens.
    private func whileListening(_ body: (ListenAddress) async throws -> Void) async throws {
        let server = AdminServer(
            try #require(ListenAddress("127.0.0.1:0")),
            readiness: { [.databaseWriteFailed] },
            metrics: { "" }
        )
        let (ports, port) = AsyncStream<Int>.makeStream()
        let task = Task { try await server.run { port.yield($0) } }
        defer { task.cancel() }
        let number = try #require(await ports.first { _ in true })
        try await body(try #require(ListenAddress("127.0.0.1:\(number)")))
    }

    @Test func freeAddressIsFine() throws {
        let address = try #require(ListenAddress("127.0.0.1:0"))
        #expect(AdminAddressCheck(address: address, daemon: .absent).problem() == nil)
    }

    @Test func addressThatAnotherProgramUsesIsAProblem() async throws {
        try await whileListening { address in
            for daemon in [DaemonPresence.absent, .unknown("x"), .running(nil), Self.daemon(1)] {
                let problem = AdminAddressCheck(address: address, daemon: daemon).problem()
                if case .running(let found?) = daemon, ListeningSockets(port: 1).areOpen(in: found.pid) == nil {
                    continue
                }
                #expect(problem?.contains("another program listens there") == true, "\(daemon)")
            }
        }
    }

    @Test func addressThatItsOwnDaemonServesIsFine() async throws {
        try await whileListening { address in
            #expect(AdminAddressCheck(address: address, daemon: Self.daemon(getpid())).problem() == nil)
        }
    }

    @Test func everySocketIsFoundOnABusyMachine() throws {
        let sockets = (0..<100).map { _ in socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0) }
        defer { for socket in sockets { close(socket) } }
        for socket in sockets {
            try #require(listen(socket, 1) == 0)
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isNamed = unsafe withUnsafeMutablePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    unsafe getsockname(socket, pointer, &length) == 0
                }
            }
            try #require(isNamed)
            let port = Int(UInt16(bigEndian: address.sin_port))
            // The table may change while it is read.
            let isFound = (0..<10).contains { _ in ListeningSockets(port: port).areOpen(in: getpid()) == true }
            #expect(isFound)
        }
    }

    @Test func addressThatTheUnitsOwnDaemonServesForAnotherDatabaseIsFine() async throws {
        try await whileListening { address in
            for daemon in [DaemonPresence.absent, .running(nil)] {
                let own = AdminAddressCheck(address: address, daemon: daemon) { getpid() }
                #expect(own.problem() == nil, "\(daemon)")
                let none = AdminAddressCheck(address: address, daemon: daemon) { nil }
                #expect(none.problem()?.contains("another program listens there") == true, "\(daemon)")
            }
        }
    }

    @Test func unixSocketIsCheckedAndLeavesNothingBehind() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("admin.sock")
        let address = try #require(ListenAddress("unix:\(path)"))
        #expect(AdminAddressCheck(address: address, daemon: .absent).problem() == nil)
        #expect(unsafe access(path, F_OK) != 0)
        let nowhere = try #require(ListenAddress("unix:\(folder.path("none/admin.sock"))"))
        #expect(AdminAddressCheck(address: nowhere, daemon: .absent).problem() != nil)
        let server = AdminServer(address, readiness: { [] }, metrics: { "" })
        let (ports, port) = AsyncStream<Int>.makeStream()
        let task = Task { try await server.run { port.yield($0) } }
        defer { task.cancel() }
        _ = await ports.first { _ in true }
        let answer = await onDedicatedThread(grace: .zero) { AdminProbe(address).answer() }
        #expect(answer??.isReady == true)
        let ownProblem = await onDedicatedThread(grace: .zero) {
            AdminAddressCheck(address: address, daemon: Self.daemon(getpid())).problem()
        }
        #expect(ownProblem == .some(nil))
        #expect(AdminAddressCheck(address: address, daemon: .absent).problem() != nil)
    }

    @Test func daemonIsAskedWhetherItIsReady() async throws {
        try await whileListening { address in
            // The server needs a thread of the pool, which a probe would block.
            let answer = await onDedicatedThread(grace: .zero) { AdminProbe(address).answer() }
            #expect(answer == AdminProbe.Answer(isReady: false, reasons: ["the database cannot be written"]))
        }
        #expect(AdminProbe(try #require(ListenAddress("127.0.0.1:1"))).answer() == nil)
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nok\n", "{\"ready\":true}"])
    func otherAnswersAreNotADaemons(text: String) {
        #expect(AdminProbe.Answer(parsing: Array(text.utf8)) == nil)
    }
}
