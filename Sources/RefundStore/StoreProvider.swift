package import RefundCore

/// A queue's database before it is open: opens it, and decides which process may serve it.
///
/// The composition root chooses the provider; nothing else knows which store it is.
package protocol StoreProvider: Sendable {
    /// The queue's location, as messages name it.
    var location: String { get }

    /// The schema of refundd's tables, which statements of applications must name; nil if they need none.
    var schema: String? { get }

    /// Opens the queue; may block while another process holds it.
    ///
    /// - Parameters:
    ///   - access: The access to open it for.
    ///   - beforeCommit: Called when a cycle has written everything and is about to commit, for tests of crashes.
    /// - Returns: The open queue.
    /// - Throws: `StoreError` if the queue cannot be opened or shared safely.
    func open(_ access: StoreAccess, beforeCommit: (@Sendable () -> Void)?) throws(StoreError) -> any QueueStore

    /// Creates or migrates the queue on behalf of an operator.
    ///
    /// - Parameters:
    ///   - now: The time.
    ///   - actor: The operator who accepts the queue even if it is an older copy of the one that was served, or nil.
    /// - Returns: The number of the next refund if the operator accepts the queue.
    /// - Throws: `StoreError` if the queue is such a copy and nobody accepts it, or cannot be created or migrated.
    @discardableResult
    func initialize(at now: Timestamp, acceptingRestoredFor actor: String?) throws(StoreError) -> Int64?

    /// Whether a daemon serves the queue, and which.
    var daemon: DaemonPresence { get }

    /// The daemons that serve the queue, as far as they have described themselves; a file is served by one at most.
    var daemons: [ServingDaemon] { get }

    /// Why the last daemon no longer trusted the queue, or nil if it did.
    var distrust: String? { get }

    /// Tries to take the right to serve the queue for the daemon, without waiting.
    func lock() throws(StoreError) -> LockAttempt

    /// The error for a queue that another daemon serves.
    var alreadyServed: StoreError { get }

    /// The user that owns the queue's files; nil if there are none.
    var owner: ServiceUser? { get }

    /// Checks that a daemon of a user could serve the queue; never creates or changes anything.
    ///
    /// - Returns: The findings; empty if everything is as it should be.
    func findings(for user: ServiceUser) -> [Finding]

    /// Checks only whether a user can reach and write the queue's files, as ``findings(for:)`` does, too.
    func accessFindings(for user: ServiceUser) -> [Finding]

    /// Checks only what may soon keep the queue from being written, such as a full disk.
    func spaceFindings() -> [Finding]

    /// Checks that a daemon notices inserts at once.
    func wakeFinding() -> Finding

    /// What an operator should know about a database that works, such as what slows it down; empty if there is nothing.
    func advice() -> [Finding]

    /// The process that keeps every other one from writing; nil if there is none, or this user may not see it.
    var writer: QueueWriterProcess? { get }
}

/// The process that holds the right to write to a queue.
package struct QueueWriterProcess: Hashable, Sendable, CustomStringConvertible {
    /// Its program.
    package var name: String
    /// Its id.
    package var pid: Int32
    /// The login name of its user; nil if that is unknown.
    package var user: String?

    /// Creates a description.
    package init(name: String, pid: Int32, user: String? = nil) {
        self.name = name
        self.pid = pid
        self.user = user
    }

    /// The name and the id, such as `python3 (process 7, user shop)`.
    package var description: String { "\(name) (process \(pid)\(user.map { ", user \($0)" } ?? ""))" }
}

extension StoreProvider {
    /// The one daemon, if it has described itself.
    package var daemons: [ServingDaemon] {
        if case .running(let daemon?) = daemon { [daemon] } else { [] }
    }

    /// None.
    package var schema: String? { nil }

    /// Unknown.
    package var writer: QueueWriterProcess? { nil }

    /// None.
    package func advice() -> [Finding] { [] }

    /// No files, or none whose permissions matter.
    package func accessFindings(for user: ServiceUser) -> [Finding] { [] }

    /// Opens the queue.
    package func open(_ access: StoreAccess) throws(StoreError) -> any QueueStore {
        try open(access, beforeCommit: nil)
    }
}

/// The access that a store is opened for.
package enum StoreAccess: Sendable {
    /// Reading and writing; creates a missing database and prepares it for serving.
    case readWrite
    /// Reading and writing a database that must exist.
    case existing
    /// Reading a database that must exist.
    case readOnly
}

/// The right to serve a queue, alone or together with other daemons, until the last reference to it is gone or the process ends.
package protocol ServiceLock: AnyObject, Sendable {
    /// Whether the last daemon no longer trusted the queue, so that it must be checked before it is served.
    var isSuspect: Bool { get }

    /// Records that the queue is served; a suspect one stays suspect.
    func noteServed()

    /// Records which daemon serves the queue, unless no daemon may serve it yet.
    func noteServing(_ daemon: ServingDaemon)

    /// Makes the next daemon check the whole queue before serving it.
    ///
    /// A service manager restarts the daemon at once, and the start may happen not to touch the damaged part.
    ///
    /// - Parameter reason: The reason, for an operator who looks for it.
    func markSuspect(because reason: String)

    /// Checks a suspect queue, and trusts it again if it is intact.
    ///
    /// - Returns: Problems in the application's own tables, which do not concern refundd.
    /// - Throws: `StoreError` of kind `damaged` if it is not intact.
    @discardableResult
    func regainTrust(in store: any QueueStore) throws(StoreError) -> [String]
}

/// The result of an attempt to take the right to serve a queue.
package enum LockAttempt: Sendable {
    /// The lock.
    case taken(any ServiceLock)
    /// A command holds it and will finish soon.
    case heldByCommand
    /// A daemon holds it.
    case heldByDaemon
}

/// The daemon that serves a queue, as it describes itself to other processes.
package struct ServingDaemon: Hashable, Sendable {
    /// Its number among the daemons of a server; nil if it serves a file.
    package var id: Int64?
    /// Its machine; nil for this one.
    package var host: String?
    /// Its process.
    package var pid: Int32
    /// Its version.
    package var version: String
    /// When it took the right to serve.
    package var since: Timestamp
    /// When it last reloaded its configuration, keys and secrets; nil if it has not.
    package var reloaded: Timestamp?
    /// Whether it has not begun to serve.
    package var isStarting = false
    /// When the server last heard from it; nil if it serves a file.
    package var lastSeen: Timestamp?
    /// Whether it reaches the server through a pooler that passes no notifications on, and thus looks for inserts.
    package var isPooled = false

    /// Creates a description.
    package init(
        pid: Int32,
        version: String,
        since: Timestamp,
        reloaded: Timestamp? = nil,
        isStarting: Bool = false
    ) {
        self.isStarting = isStarting
        self.pid = pid
        self.version = version
        self.since = since
        self.reloaded = reloaded
    }
}

/// A daemon that was gone, so that another one took over from it.
package struct GoneDaemon: Hashable, Sendable {
    /// Its machine and process, such as `db-1 (process 7)`.
    package var name: String
    /// When another one took over.
    package var at: Timestamp

    /// Creates a description.
    package init(name: String, at: Timestamp) {
        (self.name, self.at) = (name, at)
    }
}

/// Whether a daemon serves a queue, seen from outside.
package enum DaemonPresence: Hashable, Sendable {
    /// One does, or starts; nil while it has not described itself.
    case running(ServingDaemon?)
    /// None does.
    case absent
    /// It is not known; the reason.
    case unknown(String)

    /// Whether one starts, and does not serve yet.
    package var isStarting: Bool { if case .running(let daemon) = self { daemon?.isStarting ?? true } else { false } }
}

/// A store that can be copied into a file while other processes use it.
package protocol CopyableStore: QueueStore {
    /// Copies the whole database as it is now into an empty file, and opens the copy for reading.
    ///
    /// Anyone who may write to the folder may replace the file. So nothing is written or read unless the store has
    /// opened the file that the caller created.
    ///
    /// - Parameters:
    ///   - target: The name of the file.
    ///   - file: The file, open for writing; nothing else in this process may have it open.
    /// - Returns: The copy, open for reading.
    /// - Throws: `StoreError` about the database or about the copy.
    func copy(to target: String, _ file: CInt) throws(StoreError) -> any QueueStore

    /// The error for damage found in a copy of this database.
    func damaged(_ reason: String) -> StoreError

    /// Whether a path names one of the database's own files, which need not exist.
    func owns(_ file: String) -> Bool
}

/// A queue whose database knows roles, and gives each of them only what it needs.
package protocol GrantingProvider: StoreProvider {
    /// Gives roles of the database their rights; running it again changes nothing.
    ///
    /// - Parameters:
    ///   - applications: The roles that insert and read refunds.
    ///   - daemons: The roles that a daemon, or an operator's command, connects as.
    /// - Throws: `StoreError` if a role does not exist, or this user may not give these rights.
    func grant(toApplications applications: [String], toDaemons daemons: [String]) throws(StoreError)
}
