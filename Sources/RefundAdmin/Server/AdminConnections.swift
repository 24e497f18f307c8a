import CLinux
import Glibc
import Synchronization

/// Reads the request of one connection.
protocol RequestReader: Sendable {
    associatedtype Request: Sendable

    init()

    /// Takes the bytes that have arrived.
    ///
    /// - Returns: Nil while the request is incomplete.
    /// - Throws: The response to a request that is malformed or too large.
    mutating func read(_ bytes: ArraySlice<UInt8>) throws(AdminResponse) -> Request?
}

/// The bounds on what clients of a server may take.
struct AdminLimits: Sendable {
    /// Connections at a time; beyond them, a new one takes the place of a client that keeps the server waiting.
    var connections = 64
    /// The time a client has to send its request.
    var request: Duration = .seconds(5)
    /// The time a response may take, from the request to its last byte.
    var response: Duration = .seconds(10)
    /// The time a client has to close its side after the response.
    var farewell: Duration = .seconds(1)
}

/// Wakes the thread of ``AdminConnections`` from other threads.
final class AdminMailbox: Sendable {
    private struct State {
        var responses: [(id: UInt64, response: AdminResponse)] = []
        var isStopped = false
    }

    let descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    private let state = Mutex(State())

    deinit { close(descriptor) }

    func stop() {
        state.withLock { $0.isStopped = true }
        eventfd_write(descriptor, 1)
    }

    func put(_ response: AdminResponse, for id: UInt64) {
        state.withLock { $0.responses.append((id, response)) }
        eventfd_write(descriptor, 1)
    }

    /// Removes and returns all responses; nil once the server must stop.
    func take() -> [(id: UInt64, response: AdminResponse)]? {
        var count: eventfd_t = 0
        _ = unsafe eventfd_read(descriptor, &count)
        return state.withLock { state in
            defer { state.responses = [] }
            return state.isStopped ? nil : state.responses
        }
    }
}

/// The connections of a server, served by one thread that sleeps in poll(2).
///
/// A connection carries one request. No client can hold a place for long: each phase has a deadline, and when all
/// places are taken, a new client gets the place of one that keeps the server waiting.
final class AdminConnections<Reader: RequestReader> {
    private struct Connection {
        enum Phase {
            case request, answer, response, farewell
        }

        let id: UInt64
        let descriptor: Int32
        var phase = Phase.request
        var deadline: ContinuousClock.Instant
        var reader = Reader()
        var output: ArraySlice<UInt8> = []
        var task: Task<Void, Never>?
        var isDone = false

        /// What poll(2) waits for.
        ///
        /// A client that leaves while its answer is computed keeps its place, so that the server never computes more
        /// answers at once than there are places.
        var polled: pollfd {
            let events = phase == .response ? POLLOUT : POLLIN
            return pollfd(fd: phase == .answer ? -1 : descriptor, events: Int16(events), revents: 0)
        }
    }

    private let listener: Int32
    private let mailbox: AdminMailbox
    private let limits: AdminLimits
    private let answer: @Sendable (Reader.Request) async -> AdminResponse
    private var connections: [Connection] = []
    // Once the last response has been given.
    private var isFinishing = false
    private var nextID: UInt64 = 0
    // Set after accept(2) failed.
    private var pausedUntil: ContinuousClock.Instant?

    init(
        _ listener: Int32,
        _ mailbox: AdminMailbox,
        _ limits: AdminLimits,
        answer: @escaping @Sendable (Reader.Request) async -> AdminResponse
    ) {
        self.listener = listener
        self.mailbox = mailbox
        self.limits = limits
        self.answer = answer
    }

    /// Serves until the mailbox stops it, or until the last response has been sent.
    func run() {
        while let responses = mailbox.take() {
            for (id, response) in responses {
                guard let index = connections.firstIndex(where: { $0.id == id }) else { continue }
                respond(response, on: &connections[index])
                if response.isLast { isFinishing = true }
            }
            closeDone()
            if isFinishing, !connections.contains(where: { $0.phase == .answer || $0.phase == .response }) { break }
            let accepts = pausedUntil == nil && hasPlace && !isFinishing
            var polled = [
                pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: accepts ? listener : -1, events: Int16(POLLIN), revents: 0),
            ]
            polled += connections.map(\.polled)
            _ = unsafe poll(&polled, nfds_t(polled.count), timeout)
            let now = ContinuousClock.now
            for index in connections.indices {
                if polled[index + 2].revents != 0 { serve(&connections[index], now) }
                if connections[index].deadline <= now { connections[index].isDone = true }
            }
            closeDone()
            if let end = pausedUntil, end <= now { pausedUntil = nil }
            if polled[1].revents != 0 { acceptAll(now) }
        }
        for index in connections.indices { connections[index].isDone = true }
        closeDone()
    }

    private var timeout: Int32 {
        let next = (connections.map(\.deadline) + [pausedUntil].compactMap { $0 }).min()
        guard let next else { return -1 }
        return Int32(max(0, ContinuousClock.now.duration(to: next) / .milliseconds(1)).rounded(.up))
    }

    // A client that waits for its answer keeps its place.
    private var hasPlace: Bool {
        connections.count < limits.connections || connections.contains { $0.phase != .answer }
    }

    private func acceptAll(_ now: ContinuousClock.Instant) {
        // At most as many as there are places, so that a client that keeps connecting does not hold up the others.
        for _ in 0..<limits.connections where hasPlace && !isFinishing {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else {
                // When descriptors run out, poll(2) would report the listener again at once.
                if ![EAGAIN, EINTR, ECONNABORTED].contains(errno) { pausedUntil = now + .milliseconds(200) }
                return
            }
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            if connections.count >= limits.connections { evict() }
            nextID += 1
            var connection = Connection(id: nextID, descriptor: descriptor, deadline: now + limits.request)
            // Read a request that has already arrived, so that the next client cannot take its place.
            serve(&connection, now)
            connections.append(connection)
            closeDone()
        }
    }

    private func evict() {
        for phase in [Connection.Phase.farewell, .request, .response] {
            guard let index = connections.firstIndex(where: { $0.phase == phase }) else { continue }
            connections[index].isDone = true
            return closeDone()
        }
    }

    private func closeDone() {
        connections.removeAll { connection in
            guard connection.isDone else { return false }
            // Nobody waits for the answer any more.
            connection.task?.cancel()
            close(connection.descriptor)
            return true
        }
    }

    private func serve(_ connection: inout Connection, _ now: ContinuousClock.Instant) {
        switch connection.phase {
        case .request:
            guard let bytes = receive(&connection) else { return }
            do throws(AdminResponse) {
                guard let request = try connection.reader.read(bytes) else { return }
                connection.phase = .answer
                connection.deadline = now + limits.response
                connection.task = Task { [answer, mailbox, id = connection.id] in
                    mailbox.put(await answer(request), for: id)
                }
            } catch {
                connection.deadline = now + limits.response
                respond(error, on: &connection)
            }
        case .answer:
            break
        case .response:
            send(&connection)
        case .farewell:
            // Read what the client sent beyond its request: with unread data, close(2) would reset the connection, and
            // the response would be lost.
            _ = receive(&connection)
        }
    }

    private func respond(_ response: AdminResponse, on connection: inout Connection) {
        connection.output = response.bytes[...]
        connection.phase = .response
        send(&connection)
    }

    private func send(_ connection: inout Connection) {
        while !connection.output.isEmpty {
            let count = unsafe connection.output.withUnsafeBytes { bytes in
                unsafe Glibc.send(connection.descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else {
                connection.isDone = errno != EAGAIN && errno != EINTR
                return
            }
            connection.output = connection.output.dropFirst(count)
        }
        shutdown(connection.descriptor, Int32(SHUT_WR))
        connection.phase = .farewell
        connection.deadline = .now + limits.farewell
    }

    // Returns nil when there is nothing to read; marks the connection as done when nothing can follow.
    private func receive(_ connection: inout Connection) -> ArraySlice<UInt8>? {
        var buffer = [UInt8](repeating: 0, count: AdminRequest.limit)
        let count = unsafe buffer.withUnsafeMutableBytes {
            unsafe recv(connection.descriptor, $0.baseAddress, $0.count, 0)
        }
        if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { connection.isDone = true }
        return count > 0 ? buffer.prefix(count) : nil
    }
}
