import CCurl

/// The work of a client's thread: starts exchanges, moves them on and hands out their results.
struct TransferLoop {
    private let inbox: Inbox
    private let multi: MultiHandle
    private let settings: HTTPClient.Settings
    private var admission: Admission
    /// Requests for which there is no connection free, in the order of their arrival.
    private var waiting: [Transfer] = []
    private var active: [EasyHandle.ID: (handle: EasyHandle, transfer: Transfer)] = [:]
    /// Handles for further exchanges; never more than have been active together.
    private var idle: [EasyHandle] = []
    /// The URL that was checked last; a gateway has but one.
    private var checked: (url: String, target: RequestTarget)?

    /// Creates the loop, to be run on one thread.
    init(_ settings: HTTPClient.Settings, inbox: Inbox, multi: MultiHandle) {
        self.settings = settings
        self.inbox = inbox
        self.multi = multi
        admission = Admission(total: settings.connectionBound, perHost: settings.hostConnectionBound)
    }

    /// Works until the inbox is closed, then fails everything that is not complete.
    mutating func run() {
        while let submissions = inbox.take() {
            for submission in submissions {
                accept(submission)
            }
            do throws(HTTPError) {
                startWaiting()
                try multi.perform()
                finishCompleted()
                // What has ended may have made room. A handle just added ends the wait below at once.
                startWaiting()
                try multi.wait(atMost: longestWait())
            } catch {
                failActive(error)
            }
        }
        failActive(.shutDown)
        for transfer in waiting {
            transfer.finish(.failure(.shutDown))
        }
        for submission in inbox.takeRemaining() {
            submission.completion(.failure(.shutDown))
        }
    }

    private mutating func accept(_ submission: Submission) {
        do throws(HTTPError) {
            waiting.append(Transfer(submission, to: try target(of: submission.request.url)))
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

    /// Starts what there is room for, and fails what has waited for longer than its timeout.
    private mutating func startWaiting() {
        guard !waiting.isEmpty else { return }
        let now = ContinuousClock.now
        var remaining: [Transfer] = []
        for transfer in waiting {
            if transfer.deadline <= now {
                transfer.finish(.failure(.timeout))
            } else if admission.enter(transfer.target.authority) {
                start(transfer, timeout: now.duration(to: transfer.deadline))
            } else {
                remaining.append(transfer)
            }
        }
        waiting = remaining
    }

    private mutating func start(_ transfer: Transfer, timeout: Duration) {
        do throws(HTTPError) {
            let handle = if let handle = idle.popLast() { handle } else { try EasyHandle(settings) }
            try handle.prepare(for: transfer, timeout: timeout)
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
            admission.leave(transfer.target.authority)
            let result = transfer.result(code, of: handle)
            handle.release()
            idle.append(handle)
            transfer.finish(result)
        }
    }

    /// Ends every exchange under way; their connections are closed.
    private mutating func failActive(_ error: HTTPError) {
        let ended = active.values
        active = [:]
        for (handle, transfer) in ended {
            multi.remove(handle)
            admission.leave(transfer.target.authority)
            handle.release()
            transfer.finish(.failure(error))
        }
    }

    /// Returns for how long, in milliseconds, nothing but libcurl and the inbox can bring work.
    private func longestWait() -> Int32 {
        guard let deadline = waiting.lazy.map(\.deadline).min() else { return .max }
        return Int32(ContinuousClock.now.duration(to: deadline).wholeMillisecondsForCurl)
    }
}
