import Dispatch
import RefundHTTP
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientShutDownTests {
    @Test func everythingInProgressIsInterruptedExactlyOnce() async throws {
        let (arrivals, arrival) = AsyncStream<Void>.makeStream()
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            arrival.yield()
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient(maxConnections: 8)
            let results = Recorder<(number: Int, error: HTTPError?)>()
            for number in 0..<100 {
                client.send(HTTPRequest(test: server.url)) { result in
                    if case .failure(let error) = result {
                        results.add((number, error))
                    } else {
                        results.add((number, nil))
                    }
                }
            }
            // All connections are busy, the other requests wait.
            for await _ in arrivals.prefix(8) {}
            #expect(results.elements.isEmpty)
            client.shutDown()
            #expect(results.elements.map(\.number).sorted() == Array(0..<100))
            #expect(results.elements.allSatisfy { $0.error == .interrupted })
            #expect(server.acceptedCount == 8)
        }
    }

    @Test func laterRequestIsInterruptedAtOnce() throws {
        let client = try HTTPClient()
        client.shutDown()
        client.shutDown()
        let errors = Recorder<HTTPError?>()
        client.send(HTTPRequest(test: "http://127.0.0.1/")) { result in
            if case .failure(let error) = result { errors.add(error) }
        }
        #expect(errors.elements == [.interrupted])
    }

    @Test func shutDownClosesConnections() async throws {
        let (ends, end) = AsyncStream<Void>.makeStream()
        let script: @Sendable (RawConnection) -> Void = { connection in
            echo(connection)
            end.yield()
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            _ = try await client.response(to: HTTPRequest(test: server.url))
            client.shutDown()
            for await _ in ends.prefix(1) {}
            #expect(await client.error(of: HTTPRequest(test: server.url)) == .interrupted)
        }
    }

    @Test func completionMayShutTheClientDown() async throws {
        try await withServer(script: echo) { server in
            let client = try HTTPClient()
            let status: Int? = await withCheckedContinuation { continuation in
                client.send(HTTPRequest(test: server.url)) { result in
                    client.shutDown()
                    continuation.resume(returning: try? result.get().status)
                }
            }
            #expect(status == 200)
            #expect(await client.error(of: HTTPRequest(test: server.url)) == .interrupted)
            client.shutDown()
        }
    }

    @Test func completionMayReleaseTheLastReference() async throws {
        try await withServer(script: echo) { server in
            let holder = try Mutex<HTTPClient?>(HTTPClient())
            weak let observed = holder.withLock { $0 }
            #expect(observed != nil)
            await withCheckedContinuation { continuation in
                let isSent = DispatchSemaphore(value: 0)
                observed?.send(HTTPRequest(test: server.url)) { _ in
                    // The caller's own reference lasts until `send` has returned.
                    isSent.wait()
                    holder.withLock { $0 = nil }
                    continuation.resume()
                }
                isSent.signal()
            }
            #expect(observed == nil)
        }
    }

    @Test func releasedClientInterruptsWhatIsInProgress() async throws {
        let (arrivals, arrival) = AsyncStream<Void>.makeStream()
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            arrival.yield()
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            let errors = Recorder<HTTPError>()
            do {
                let client = try HTTPClient()
                client.send(HTTPRequest(test: server.url)) { result in
                    if case .failure(let error) = result { errors.add(error) }
                }
                for await _ in arrivals.prefix(1) {}
            }
            #expect(errors.elements == [.interrupted])
        }
    }

    @Test func responseWhoseHeadArrivedSurvivesTheShutDown() async throws {
        let (stalls, stall) = AsyncStream<Void>.makeStream()
        let script: @Sendable (RawConnection) -> Void = { connection in
            _ = connection.readRequest()
            // More than all socket buffers hold: once it is written, the client has read the head.
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
            connection.write([UInt8](repeating: 0, count: 40_000_000))
            stall.yield()
            connection.waitForEnd()
        }
        try await withServer(script: script) { server in
            let client = try HTTPClient()
            var request = HTTPRequest(test: server.url)
            request.responseLimit = .refuseAbove(50_000_000)
            async let response = client.response(to: request)
            for await _ in stalls.prefix(1) {}
            client.shutDown()
            #expect(try await response.status == 200)
            #expect(try await response.bodyEnd == .broken(.interrupted))
        }
    }

    @Test func manyThreadsMaySendAndShutDown() async throws {
        try await withServer(script: echo) { server in
            let client = try HTTPClient()
            let answered = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        if number % 10 == 9 { client.shutDown() }
                        let error = await client.error(of: HTTPRequest(test: server.url))
                        return error == nil || error == .interrupted
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(answered == 100)
        }
    }
}
