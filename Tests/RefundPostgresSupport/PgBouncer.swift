import Foundation

/// PgBouncer in front of a server, in a folder of its own and on a Unix socket.
///
/// It ends with the test process, however that ends.
package final class PgBouncer: Sendable {
    /// Who keeps a connection to the server, and for how long.
    package enum Mode: String, CaseIterable, Sendable {
        /// A client, for its transaction.
        case transaction
        /// A client, until it leaves.
        case session
    }

    /// One that all tests of this process share, before the server that they share.
    ///
    /// - Parameter mode: Who keeps a connection.
    /// - Returns: PgBouncer.
    /// - Throws: An error if PgBouncer is not installed or does not start.
    package static func shared(_ mode: Mode) throws -> PgBouncer {
        try (mode == .transaction ? sharing : keeping).get()
    }

    private static let sharing = Result { try PgBouncer(before: .shared(), .transaction) }
    private static let keeping = Result { try PgBouncer(before: .shared(), .session, size: 150) }

    /// The folder of its socket.
    package let folder: String
    /// Where libpq finds it.
    package var parameters: [(name: String, value: String)] {
        [("host", folder), ("dbname", "postgres"), ("user", "postgres")]
    }
    // Its shell reads from it, and stops PgBouncer at its end.
    private let lifeline = Pipe()

    /// Starts PgBouncer.
    ///
    /// - Parameters:
    ///   - server: The server.
    ///   - mode: Who keeps a connection.
    ///   - size: How many connections to each database of the server there are at most.
    /// - Throws: An error if PgBouncer is not installed or does not start.
    package init(before server: PostgresServer, _ mode: Mode, size: Int = 20) throws {
        folder = "\(FileManager.default.temporaryDirectory.path)/refundd-pb-\(UUID().uuidString.prefix(8))"
        let configuration = """
            [databases]
            * = host=\(server.folder) port=\(server.port ?? 5432) user=postgres
            [pgbouncer]
            unix_socket_dir = \(folder)
            listen_port = 5432
            auth_type = any
            pool_mode = \(mode.rawValue)
            max_client_conn = 1000
            default_pool_size = \(size)
            server_login_retry = 0.1
            """
        // PgBouncer refuses to run as root. The shell waits for no end: it may have been started with SIGCHLD blocked.
        let script = """
            cd '\(folder)'
            exec 3<&0 </dev/null
            while :; do
                "$@" /usr/sbin/pgbouncer configuration >>log 2>&1 3<&- &
                pooler=$!
                read -r order <&3 || break
                kill -KILL "$pooler"
                # The kernel closes the socket some time after the process is gone, and PgBouncer takes none that is in use.
                rm -f .s.PGSQL.*
            done
            kill -KILL "$pooler"
            cd /
            rm -rf '\(folder)'
            """
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try Data("\(configuration)\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/configuration"))
        let user = ["/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        if geteuid() == 0, let nobody = unsafe getpwnam("nobody") {
            unsafe chown(folder, nobody.pointee.pw_uid, nobody.pointee.pw_gid)
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script, "sh"] + (geteuid() == 0 ? user : [])
        process.standardInput = lifeline
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        try awaitAnswer()
    }

    /// Kills it and starts it again, which ends every connection through it.
    ///
    /// - Throws: An error if it does not start again.
    package func restart() throws {
        let before = try starts()
        try lifeline.fileHandleForWriting.write(contentsOf: Data("restart\n".utf8))
        try awaitAnswer(after: before)
    }

    private func starts() throws -> Int {
        let log = try String(contentsOfFile: "\(folder)/log", encoding: .utf8)
        return log.matches(of: /process up/).count
    }

    private func awaitAnswer(after starts: Int = 0) throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(30))
        while try !FileManager.default.fileExists(atPath: "\(folder)/log") || self.starts() <= starts {
            guard ContinuousClock.now < deadline else {
                let log = (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? ""
                throw PostgresServer.NotStarted(
                    description: "PgBouncer does not start; install the Debian package pgbouncer: \(log)"
                )
            }
            Thread.sleep(forTimeInterval: 0.01)
        }
    }
}
