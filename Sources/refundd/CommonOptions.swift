import ArgumentParser
import Foundation
import RefundAdmin
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundStore

/// The options of every command.
struct CommonOptions: ParsableArguments {
    @Option(help: "The configuration file. (default: $REFUNDD_CONFIG, else /etc/refundd/refundd.conf)")
    var config: String?

    var environment: [String: String] { ProcessInfo.processInfo.environment }

    var file: String {
        config ?? environment["REFUNDD_CONFIG"] ?? "/etc/refundd/refundd.conf"
    }

    func configuration() throws(CommandFailure) -> Configuration {
        try ConfigurationLoader.configuration(file: file, environment: environment)
    }

    /// Reads as much of the configuration as a command needs that only reads the queue.
    func databaseConfiguration() throws(CommandFailure) -> DatabaseConfiguration {
        do throws(ConfigurationError) {
            return try ConfigurationLoader.database(file: file, environment: environment)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Where the command's output goes.
    var terminal: Terminal { Terminal.current(environment: environment) }

    /// Prints a result as one JSON document, or as lines for the terminal.
    func show(asJSON isJSON: Bool, _ document: (inout JSONWriter) -> Void, _ lines: (_ width: Int) -> [Line]) {
        guard !isJSON else { return printJSON(document) }
        let terminal = terminal
        printLines(lines(terminal.width), on: terminal)
    }

    /// The name of the operator who runs the command.
    var actor: String { Operator.name(environment: environment) }

    /// Opens the configured queue for a command that only reads.
    ///
    /// - Throws: `CommandFailure` if the queue cannot be opened; the problems of the configuration, if any, come first.
    func store(_ configuration: DatabaseConfiguration) throws(CommandFailure) -> any QueueStore {
        do throws(CommandFailure) {
            return try store(.readOnly, of: configuration.database)
        } catch {
            guard !configuration.problems.isEmpty else { throw error }
            throw CommandFailure(.configuration, configuration.problems.map(\.description) + error.messages)
        }
    }

    /// Opens the configured queue, which must exist.
    func store(_ access: StoreAccess, of known: DatabaseSettings? = nil) throws(CommandFailure) -> any QueueStore {
        let database = if let known { known } else { try configuration().database }
        let provider = try CommandFailure.mapping { () throws(StoreError) in
            try StoreProviders.provider(for: database)
        }
        return try open(provider, access)
    }

    /// Opens a queue in a file, such as a backup, for reading; without one, the configured queue.
    func storedQueue(at file: String?) throws(CommandFailure) -> any QueueStore {
        guard let file else { return try store(databaseConfiguration()) }
        return try open(StoreProviders.provider(forFile: file), .readOnly)
    }

    private func open(_ provider: any StoreProvider, _ access: StoreAccess) throws(CommandFailure) -> any QueueStore {
        try waiting(for: "the database") { () throws(CommandFailure) in
            try CommandFailure.mapping { () throws(StoreError) in
                let store = try provider.open(access)
                try store.checkSchema()
                return store
            }
        }
    }

    /// Reads from the configured database in one transaction.
    func read<Result>(
        _ configuration: DatabaseConfiguration,
        _ body: (any QueueReader) throws(StoreError) -> Result
    ) throws(CommandFailure) -> Result {
        let store = try store(configuration)
        defer { store.close() }
        return try store.look(body)
    }
}

/// Parses an option whose value is one of an enumeration's names.
///
/// - Parameters:
///   - name: The option's value.
///   - what: The noun for it, such as `state`.
/// - Returns: The value.
/// - Throws: `ValidationError` that lists every valid name.
func named<Value: RawRepresentable<String> & CaseIterable>(_ name: String, _ what: String) throws -> Value {
    guard let value = Value(rawValue: name) else {
        throw ValidationError("there is no \(what) \"\(name)\"; use one of \(names(of: Value.self))")
    }
    return value
}

/// All names of an enumeration, for help and messages.
func names<Value: RawRepresentable<String> & CaseIterable>(of _: Value.Type) -> String {
    Value.allCases.map(\.rawValue).joined(separator: ", ")
}

/// Runs a command's body and flushes its output; a failure goes to standard error and becomes the exit code.
func reportingFailures(_ body: () async throws(CommandFailure) -> Void) async throws {
    do throws(CommandFailure) {
        try await body()
        try flushOutput()
    } catch {
        let lines = error.messages.map { "refundd: \(escapedForTerminal($0))\n" }.joined()
        FileHandle.standardError.write(Data(lines.utf8))
        throw ExitCode(error.status.rawValue)
    }
}
