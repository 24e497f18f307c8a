import Foundation
package import RefundPostgres
package import RefundTestSupport
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

    /// What a server offers beside its Unix socket, where everybody may be anybody.
    package struct Network: Sendable {
        /// The lines of `pg_hba.conf` for the loopback address.
        package var rules: [String]
        /// The certificate, or nil for a server without TLS.
        package var identity: TestCertificates.Identity?

        /// Creates a description.
        ///
        /// - Parameters:
        ///   - rules: The lines of `pg_hba.conf`.
        ///   - identity: The certificate, or nil for a server without TLS.
        package init(rules: [String], identity: TestCertificates.Identity? = nil) {
            self.rules = rules
            self.identity = identity
        }

        fileprivate var settings: [String] {
            guard let identity else { return [] }
            return ["ssl=on", "ssl_cert_file=\(identity.certificate)", "ssl_key_file=server.key"]
        }
    }

    /// Where libpq finds it.
    package let parameters: [(name: String, value: String)]
    /// The port at the loopback address; nil for a server with a socket alone.
    package let port: Int?
    /// The folder of its socket.
    package let folder: String
    // Its shell reads from it, and stops the server at its end.
    private let lifeline = Pipe()
    private let names = Atomic(0)

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - settings: Further settings of the server.
    ///   - network: What it offers at the loopback address; nil for nothing.
    ///   - isStandby: Whether it is a standby, which only reads.
    ///   - primary: The server that a standby follows, where it is named `standby`; nil for none.
    /// - Throws: An error if PostgreSQL is not installed or does not start.
    package init(
        settings: [String] = [],
        network: Network? = nil,
        isStandby: Bool = false,
        following primary: PostgresServer? = nil
    ) throws {
        folder = "\(FileManager.default.temporaryDirectory.path)/refundd-pg-\(UUID().uuidString.prefix(8))"
        port = try network.map { _ in try Self.freePort() }
        parameters =
            [("host", folder), ("dbname", "postgres"), ("user", "postgres")]
            + (port.map { [("port", "\($0)")] } ?? [])
        let programs = try Self.programs()
        // PostgreSQL refuses to run as root.
        let isRoot = geteuid() == 0
        let listening = port.map { ["listen_addresses=127.0.0.1", "port=\($0)"] } ?? ["listen_addresses="]
        let all = ["fsync=off", "full_page_writes=off", "max_connections=200"] + listening
        let options = (all + (network?.settings ?? []) + settings).map { "-c '\($0)'" }
        let files =
            if let primary {
                """
                pg_basebackup -D data -R -c fast --no-sync \
                -d 'host=\(primary.folder) port=\(primary.port ?? 5432) user=postgres application_name=standby'
                """
            } else {
                "initdb -D data -U postgres -A trust -E UTF8 --no-sync --locale=C.UTF-8"
            }
        let script = """
            umask 077
            cd '\(folder)'
            "$@" "$0"/\(files) >log 2>&1 || exit 1
            [ ! -e rules ] || "$@" cp rules data/pg_hba.conf
            [ ! -e server.key ] || "$@" cp server.key data/
            \(isStandby ? "\"$@\" touch data/standby.signal" : ":")
            exec 3<&0 </dev/null
            while :; do
                "$@" "$0"/postgres -D data -k '\(folder)' -c unix_socket_permissions=0777 \
                \(options.joined(separator: " ")) >>log 2>&1 3<&- &
                server=$!
                read -r order <&3 || break
                if [ "$order" = restart ]; then
                    kill -INT "$server"
                    wait "$server"
                else
                    kill -STOP "$server"
                    kill -KILL $(cat "/proc/$server/task/$server/children") "$server"
                    wait "$server"
                    server=
                    read -r order <&3 || break
                fi
            done
            [ -z "$server" ] || kill -QUIT "$server"
            wait
            cd /
            rm -rf '\(folder)'
            """
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        if let network {
            try Data("local all all trust\n\(network.rules.joined(separator: "\n"))\n".utf8)
                .write(to: URL(fileURLWithPath: "\(folder)/rules"))
            if let key = network.identity?.key {
                try FileManager.default.copyItem(atPath: key, toPath: "\(folder)/server.key")
            }
        }
        let process = Process()
        let user = ["/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        if isRoot, let nobody = unsafe getpwnam("nobody") {
            for path in [folder, "\(folder)/rules", "\(folder)/server.key"] {
                unsafe chown(path, nobody.pointee.pw_uid, nobody.pointee.pw_gid)
            }
        }
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script, programs] + (isRoot ? user : [])
        process.standardInput = lifeline
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        try Self.await(process, folder) { _ = try connect() }
    }

    /// Restarts the server, which ends every connection.
    ///
    /// - Throws: An error if it does not start again.
    package func restart() throws {
        let before = try started()
        try lifeline.fileHandleForWriting.write(contentsOf: Data("restart\n".utf8))
        try Self.await(nil, folder) {
            guard try started() != before else { throw PostgresError(.disconnected, "it has not stopped yet") }
        }
    }

    /// Ends all its processes at once, as the loss of its machine does.
    ///
    /// - Throws: An error if it still answers after a while.
    package func kill() throws {
        try lifeline.fileHandleForWriting.write(contentsOf: Data("kill\n".utf8))
        try Self.await(nil, folder) {
            guard (try? connect()) == nil else { throw PostgresError(.disconnected, "it has not ended yet") }
        }
    }

    /// Starts it again after `kill`.
    ///
    /// - Throws: An error if it does not start.
    package func start() throws {
        try lifeline.fileHandleForWriting.write(contentsOf: Data("start\n".utf8))
        try Self.await(nil, folder) { _ = try connect() }
    }

    /// Makes a standby the primary.
    ///
    /// - Throws: An error if it is none.
    package func promote() throws { try execute("SELECT pg_promote()") }

    /// Cuts a standby off from what it follows.
    ///
    /// - Throws: An error if it goes on receiving.
    package func cutOff() throws {
        try execute("ALTER SYSTEM SET primary_conninfo = ''")
        try execute("SELECT pg_reload_conf()")
        try Self.await(nil, folder) {
            var receivers: String?
            try connect().execute("SELECT count(*) FROM pg_stat_wal_receiver", until: .now.advanced(by: .seconds(30))) {
                receivers = $0.text()
            }
            guard receivers == "0" else { throw PostgresError(.disconnected, "it still receives") }
        }
    }

    /// Commits on the server only once its standby has them.
    ///
    /// - Throws: An error if no standby follows it.
    package func waitForStandby() throws {
        try execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        try execute("SELECT pg_reload_conf()")
        try Self.await(nil, folder) {
            var state: String?
            try connect().execute("SELECT sync_state FROM pg_stat_replication", until: .now.advanced(by: .seconds(30)))
            {
                state = $0.text()
            }
            guard state == "sync" else { throw PostgresError(.disconnected, "no standby follows it") }
        }
    }

    private func started() throws -> String? {
        var time: String?
        try connect().execute("SELECT pg_postmaster_start_time()", until: .now.advanced(by: .seconds(30))) { row in
            time = row.text()
        }
        return time
    }

    /// A port of the loopback address that nothing listens on.
    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(descriptor, pointer, length) == 0 ? getsockname(descriptor, pointer, &length) : -1
            }
        }
        guard result == 0 else { throw NotStarted(description: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Runs statements as the superuser.
    ///
    /// - Throws: An error if one fails.
    package func execute(_ sql: String) throws {
        try connect().execute(sql, until: .now.advanced(by: .seconds(30)))
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

    private static func await(_ process: Process?, _ folder: String, _ attempt: () throws -> Void) throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while true {
            do {
                return try attempt()
            } catch {
                guard process?.isRunning ?? true, ContinuousClock.now < deadline else {
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
