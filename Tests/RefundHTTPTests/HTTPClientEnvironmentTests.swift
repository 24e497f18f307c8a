import Glibc
import RefundHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientEnvironmentTests {
    /// In a process of its own: the environment is common to all tests of this one.
    @Test func proxyOfTheEnvironmentIsNotUsed() async {
        await #expect(processExitsWith: .success) {
            let proxy = try RawServer { $0.answer(502) }
            let server = try RawServer(script: echo)
            for name in ["http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"] {
                unsafe setenv(name, proxy.url, 1)
            }
            let answer = try await HTTPClient().answer(to: HTTPRequest(test: server.url))
            #expect(answer.status == 200)
            #expect(proxy.acceptedCount == 0)
        }
    }
}
