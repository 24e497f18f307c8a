import ArgumentParser
import Foundation
import RefundAdmin
import RefundConfiguration
import RefundDaemon
import RefundScheduler
import RefundStoreSQLite

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(help: "The configuration file. (default: $REFUNDD_CONFIG, else /etc/refundd/refundd.conf)")
    var config: String?

    var environment: [String: String] { ProcessInfo.processInfo.environment }

    var file: String {
        config ?? environment["REFUNDD_CONFIG"] ?? "/etc/refundd/refundd.conf"
    }

    func configuration() throws(CommandFailure) -> Configuration {
        try Setup.configuration(file: file, environment: environment)
    }

    /// The name of the person who runs the command.
    var actor: String { Person.name(environment: environment) }

    /// Opens a database, else that of the configuration, for a command that needs the queue to be there.
    func store(_ access: RefundStore.Access, at file: String? = nil) throws(CommandFailure) -> RefundStore {
        let path = if let file { file } else { try configuration().database.path }
        do throws(StoreError) {
            let store = try RefundStore(path: path, access: access)
            try store.checkSchema()
            return store
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Reads from the database.
    func read<Result>(_ body: (StoreTransaction) throws -> Result) throws(CommandFailure) -> Result {
        let store = try store(.readOnly)
        defer { store.close() }
        do throws(StoreError) {
            return try store.read(body)
        } catch {
            throw CommandFailure(error)
        }
    }
}

extension RefundStore {
    /// Writes in one transaction, or says why there is nothing to write.
    func write<Success>(
        _ body: (StoreTransaction) throws -> Result<Success, CommandFailure>
    ) throws(CommandFailure) -> Success {
        let result: Result<Success, CommandFailure>
        do throws(StoreError) {
            result = try transaction(body)
        } catch .refused(let reason) {
            throw CommandFailure(.failed, [reason])
        } catch {
            throw CommandFailure(error)
        }
        return try result.get()
    }
}

/// Runs a command's body; what fails goes to standard error and becomes the exit code.
func reportingFailures(_ body: () async throws(CommandFailure) -> Void) async throws {
    do throws(CommandFailure) {
        try await body()
    } catch {
        let lines = error.messages.map { "refundd: \(escapedForTerminal($0))\n" }.joined()
        FileHandle.standardError.write(Data(lines.utf8))
        throw ExitCode(error.status.rawValue)
    }
}
