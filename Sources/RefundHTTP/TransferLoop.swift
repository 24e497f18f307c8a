import CCurl

/// The work of a client's thread: starts exchanges, advances them and delivers their results.
struct TransferLoop {
    private let queue: SubmissionQueue
    private let multi: MultiHandle
    private let settings: HTTPClient.Settings
    private var admission: Admission
    /// Requests waiting for a free connection, in order of arrival.
    private var waiting: [Transfer] = []
    private var active: [EasyHandle.ID: (handle: EasyHandle, transfer: Transfer)] = [:]
    /// Handles for further exchanges.
    private var idle: [EasyHandle] = []
    /// The URL checked last; all requests to a gateway share one.
    private var checked: (url: String, target: RequestTarget)?

    /// Creates the loop, which must run on a single thread.
    init(_ settings: HTTPClient.Settings, queue: SubmissionQueue, multi: MultiHandle) {
        self.settings = settings
        self.queue = queue
        self.multi = multi
        admission = Admission(total: settings.connectionLimit, perHost: settings.hostConnectionLimit)
    }

    /// Runs until the queue is closed, then interrupts everything that is not complete.
    mutating func run() {
        while let submissions = queue.take() {
            for submission in submissions {
                accept(submission)
            }
            do throws(HTTPError) {
                startWaiting()
                multi.sockets.abandonSilentAddresses()
                try multi.perform()
                finishCompleted()
                // Completed exchanges may have made room. A handle just added ends the wait below at once.
                startWaiting()
                try multi.wait(atMost: longestWait())
            } catch {
                failActive(error)
            }
        }
        failActive(.interrupted)
        for transfer in waiting {
            transfer.finish(.failure(.interrupted))
        }
        for submission in queue.takeRemaining() {
            submission.completion(.failure(.interrupted))
        }
    }

    private mutating func accept(_ submission: Submission) {
        do throws(HTTPError) {
            let target = try target(of: submission.request.url)
            waiting.append(Transfer(submission, to: target, over: multi.sockets))
        } catch {
            submission.completion(.failure(error))
        }
    }

    private mutating func target(of url: String) throws(HTTPError) -> RequestTarget {
        if let checked, checked.url == url { return checked.target }
        let target = try RequestTarget(url)
        checked = (url, target)
        return target
    }

    /// Starts the waiting requests there is room for, and fails those whose timeout has expired.
    private mutating func startWaiting() {
        guard !waiting.isEmpty else { return }
        let now = ContinuousClock.now
        var remaining: [Transfer] = []
        for transfer in waiting {
            if transfer.deadline <= now {
                transfer.finish(.failure(.timeout(.waitingForConnection)))
            } else if admission.enter(transfer.target.authority) {
                start(transfer, on: idle.popLast(), at: now)
            } else {
                remaining.append(transfer)
            }
        }
        waiting = remaining
    }

    private mutating func start(_ transfer: Transfer, on handle: EasyHandle?, at now: ContinuousClock.Instant) {
        do throws(HTTPError) {
            let handle = if let handle { handle } else { try EasyHandle(settings) }
            try handle.prepare(for: transfer, timeout: now.duration(to: transfer.deadline))
            try multi.add(handle)
            active[handle.id] = (handle, transfer)
        } catch {
            admission.leave(transfer.target.authority)
            transfer.finish(.failure(error))
        }
    }

    private mutating func finishCompleted() {
        while let (id, code) = multi.nextCompleted() {
            guard let (handle, transfer) = active.removeValue(forKey: id) else { continue }
            multi.remove(handle)
            if transfer.needsRepetition(after: code, on: handle) {
                start(transfer, on: handle, at: .now)
            } else {
                end(transfer, on: handle, with: transfer.result(code, of: handle))
                idle.append(handle)
            }
        }
    }

    /// Ends every exchange under way; libcurl closes their connections.
    private mutating func failActive(_ error: HTTPError) {
        let ended = active.values
        active = [:]
        for (handle, transfer) in ended {
            multi.remove(handle)
            end(transfer, on: handle, with: transfer.result(error, of: handle))
        }
    }

    private mutating func end(
        _ transfer: Transfer,
        on handle: EasyHandle,
        with result: Result<HTTPResponse, HTTPError>
    ) {
        admission.leave(transfer.target.authority)
        handle.release()
        transfer.finish(result)
    }

    /// Returns for how many milliseconds only libcurl and the queue can bring work.
    private func longestWait() -> Int32 {
        // libcurl 7.88 gives up on a silent address without waking up to try the next.
        let tick: Int32 = multi.sockets.isConnecting ? 100 : .max
        guard let deadline = waiting.lazy.map(\.deadline).min() else { return tick }
        return min(tick, Int32(ContinuousClock.now.duration(to: deadline).wholeMillisecondsForCurl))
    }
}

/// Counts the exchanges in progress, in total and per host, and decides whether another may start.
///
/// libcurl has the same limits but serves waiting exchanges strictly in order, so one slow host would delay all others.
/// Here a request waits only for its own host or for the client's total.
package struct Admission: Sendable {
    private let total: Int
    private let perHost: Int
    private var active = 0
    private var activePerHost: [String: Int] = [:]

    /// Creates an empty count.
    ///
    /// - Parameters:
    ///   - total: The maximum number of exchanges.
    ///   - perHost: The maximum number of exchanges with one host.
    package init(total: Int, perHost: Int) {
        self.total = total
        self.perHost = perHost
    }

    /// Counts an exchange with a host, or returns `false` if it must wait.
    package mutating func enter(_ host: String) -> Bool {
        guard active < total, activePerHost[host, default: 0] < perHost else { return false }
        active += 1
        activePerHost[host, default: 0] += 1
        return true
    }

    /// Uncounts an exchange for which `enter` returned `true`.
    package mutating func leave(_ host: String) {
        guard let count = activePerHost[host] else { return }
        active -= 1
        activePerHost[host] = count > 1 ? count - 1 : nil
    }
}
