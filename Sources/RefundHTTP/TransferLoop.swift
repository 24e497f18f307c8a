import CCurl

/// The work of a client's thread: starts exchanges, advances them and delivers their results.
struct TransferLoop {
    private static let countInterval: Duration = .milliseconds(250)

    private let queue: SubmissionQueue
    private let multi: MultiHandle
    private let settings: HTTPClient.Settings
    /// Requests waiting for a free connection, in order of arrival.
    private var waiting: [Transfer] = []
    private var active: [EasyHandle.ID: (handle: EasyHandle, transfer: Transfer)] = [:]
    /// Handles for further exchanges.
    private var idle: [EasyHandle] = []
    private var nextCount = ContinuousClock.now
    /// The URL checked last; all requests to a gateway share one.
    private var checked: (url: String, target: RequestTarget)?

    /// Creates the loop, which must run on a single thread.
    init(_ settings: HTTPClient.Settings, queue: SubmissionQueue, multi: MultiHandle) {
        self.settings = settings
        self.queue = queue
        self.multi = multi
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
                endFloods()
                // Completed exchanges may have made room. A handle just added ends the wait below at once.
                startWaiting()
                if queue.prepareToSleep() { try multi.wait(atMost: longestWait()) }
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
            } else if active.count < settings.connectionLimit {
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
            transfer.finish(.failure(error))
        }
    }

    private mutating func finishCompleted() {
        while let (id, code) = multi.nextCompleted() {
            guard let (handle, transfer) = active.removeValue(forKey: id) else { continue }
            multi.remove(handle)
            if transfer.needsRepetition(after: code, on: handle) {
                handle.release()
                start(transfer, on: handle, at: .now)
            } else {
                end(transfer, on: handle, with: transfer.result(code, of: handle))
                idle.append(handle)
            }
        }
    }

    /// Ends exchanges whose server sends too much that libcurl does not hand over.
    ///
    /// libcurl would ask about every exchange in every round, which takes more time than a webhook's signature.
    private mutating func endFloods() {
        let now = ContinuousClock.now
        guard now >= nextCount else { return }
        nextCount = now + Self.countInterval
        for (id, (handle, transfer)) in active where !transfer.mayContinue(at: now) {
            active[id] = nil
            multi.remove(handle)
            end(transfer, on: handle, with: transfer.result(CURLE_ABORTED_BY_CALLBACK, of: handle))
            idle.append(handle)
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
