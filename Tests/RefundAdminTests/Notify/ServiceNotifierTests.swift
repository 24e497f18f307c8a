import Glibc
import RefundCore
import Testing

@testable import RefundAdmin

struct ServiceNotifierTests {
    private static let unique = "refundd-notify-\(getpid())-\(UInt64.random(in: 0 ... .max))"

    @Test(arguments: ["/tmp/\(unique)", "@\(unique)"])
    func messagesReachTheServiceManager(address: String) {
        let manager = UnixDatagramReceiver(address)
        let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": address])
        #expect(notifier.ready() == nil)
        #expect(notifier.status("3 refunds pending") == nil)
        #expect(notifier.watchdog() == nil)
        #expect(notifier.stopping() == nil)
        #expect(manager.received() == ["READY=1", "STATUS=3 refunds pending", "WATCHDOG=1", "STOPPING=1"])
    }

    @Test func reloadCarriesTheMonotonicTimeInTheSameDatagram() throws {
        let manager = UnixDatagramReceiver("/tmp/\(Self.unique)-reload")
        let before = ServiceNotifier.monotonicMicroseconds()
        #expect(ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.address]).reloading() == nil)
        let after = ServiceNotifier.monotonicMicroseconds()
        let messages = manager.received()
        let lines = try #require(messages.first).split(separator: "\n")
        #expect(messages.count == 1)
        #expect(lines.first == "RELOADING=1")
        let time = try #require(lines.last?.split(separator: "=").last.flatMap { Int64($0) })
        #expect(lines.last == "MONOTONIC_USEC=\(time)")
        #expect((before...after).contains(time))
    }

    @Test func statusCannotCarryAnotherAssignment() {
        let manager = UnixDatagramReceiver("/tmp/\(Self.unique)-status")
        let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.address])
        notifier.status("busy\nSTOPPING=1")
        #expect(manager.received() == ["STATUS=busy\\nSTOPPING=1"])
    }

    @Test(arguments: [[:], ["NOTIFY_SOCKET": ""]])
    func nothingIsSentWithoutAnAddress(environment: [String: String]) {
        #expect(ServiceNotifier(environment: environment).ready() == nil)
    }

    @Test(arguments: [
        "relative", "vsock:2:1234", "/", "@", "/\(String(repeating: "x", count: 108))", "/tmp/a\u{0}b", "\u{1b}[2J",
    ])
    func badAddressesAreReportedAndDoNoHarm(address: String) {
        let error = ServiceNotifier(environment: ["NOTIFY_SOCKET": address]).ready()
        #expect(error == .badAddress(address))
        #expect(error?.description.unicodeScalars.contains("\u{1b}") == false)
    }

    @Test func serviceManagerThatIsGoneIsReportedAndDoesNoHarm() {
        let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": "/tmp/\(Self.unique)-nobody"])
        let error = notifier.stopping()
        #expect(error == .failed(call: "sendto", SystemError(code: ENOENT)))
        let description = "cannot notify the service manager: sendto on $NOTIFY_SOCKET: No such file or directory"
        #expect(error?.description == description)
    }

    @Test(
        arguments: [
            ([:], nil),
            (["WATCHDOG_USEC": "30000000"], .seconds(30)),
            (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "\(getpid())"], .seconds(30)),
            (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"], nil),
            (["WATCHDOG_USEC": "0"], nil),
            (["WATCHDOG_USEC": "-5"], nil),
            (["WATCHDOG_USEC": "soon"], nil),
            (["WATCHDOG_USEC": "99999999999999999999"], nil),
        ] as [([String: String], Duration?)]
    )
    func watchdogTimeoutComesFromTheEnvironment(environment: [String: String], timeout: Duration?) {
        #expect(ServiceNotifier(environment: environment).watchdogTimeout == timeout)
    }
}
