import Foundation
package import RefundPostgres
import RefundTestSupport
import Synchronization

/// A PostgreSQL server of the test process's own, in a temporary folder and on a Unix socket.
///
/// It ends with the test process, however that ends.
package final class PostgresServer: Sendable {
    /// The server that all tests of this process share, each with a schema or a database of its own.
    ///
    /// - Throws: An error if PostgreSQL is not installed or does not start.
    package static func shared() throws -> PostgresServer { try common.get() }

    private static let common = Result { try PostgresServer() }

    /// Where libpq finds it.
    package let parameters: [(name: String, value: String)]
    private let folder: String
    // Its shell reads from it, and stops the server at its end.
    private let lifeline = Pipe()
    private let names = Atomic(0)

    /// Starts a server.
    ///
    /// - Parameter settings: Further settings of the server.
    /// - Throws: An error if PostgreSQL is not installed or does not start.
    package init(settings: [String] = []) throws {
        folder = "\(FileManager.default.temporaryDirectory.path)/refundd-pg-\(UUID().uuidString.prefix(8))"
        parameters = [("host", folder), ("dbname", "postgres"), ("user", "postgres")]
        let programs = try Self.programs()
        // PostgreSQL refuses to run as root.
        let isRoot = geteuid() == 0
        let options = (["fsync=off", "full_page_writes=off", "max_connections=200"] + settings).map { "-c \($0)" }
        let script = """
            umask 077
            cd '\(folder)'
            "$@" "$0"/initdb -D data -U postgres -A trust -E UTF8 --no-sync --locale=C.UTF-8 >log 2>&1 || exit 1
            exec 3<&0 </dev/null
            "$@" "$0"/postgres -D data -k '\(folder)' -c listen_addresses= -c unix_socket_permissions=0777 \
            \(options.joined(separator: " ")) >>log 2>&1 3<&- &
            server=$!
            read -r end <&3
            kill -QUIT "$server"
            wait "$server"
            cd /
            rm -rf '\(folder)'
            """
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let process = Process()
        let user = ["/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        if isRoot, let nobody = unsafe getpwnam("nobody") {
            unsafe chown(folder, nobody.pointee.pw_uid, nobody.pointee.pw_gid)
        }
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script, programs] + (isRoot ? user : [])
        process.standardInput = lifeline
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        try awaitStart(of: process)
    }

    /// Connects.
    package func connect() throws -> PostgresConnection {
        try PostgresConnection(parameters, until: .now.advanced(by: .seconds(30)), Interruption())
    }

    /// A name for a schema or a database that no other test has.
    package func uniqueName() -> String { "test_\(names.add(1, ordering: .relaxed).newValue)" }

    /// What the server has logged.
    ///
    /// - Returns: The text of its log.
    /// - Throws: An error if the log cannot be read.
    package func log() throws -> String { try String(contentsOfFile: "\(folder)/log", encoding: .utf8) }

    private func awaitStart(of process: Process) throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while true {
            do throws(PostgresError) {
                _ = try PostgresConnection(parameters, until: deadline, Interruption())
                return
            } catch {
                guard process.isRunning, ContinuousClock.now < deadline else {
                    let log = (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? ""
                    throw NotStarted(description: "PostgreSQL does not start: \(error) \(log)")
                }
                Thread.sleep(forTimeInterval: 0.01)
            }
        }
    }

    // Debian keeps the programs of each version apart, and outside of PATH.
    private static func programs() throws -> String {
        let debian = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: debian)) ?? []).compactMap { Int($0) }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let folders = versions.sorted(by: >).map { "\(debian)/\($0)/bin" } + path.split(separator: ":").map(String.init)
        guard let found = folders.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/initdb") }) else {
            throw NotStarted(description: "PostgreSQL is not installed; install the Debian package postgresql")
        }
        return found
    }

    struct NotStarted: Error, CustomStringConvertible {
        let description: String
    }
}
