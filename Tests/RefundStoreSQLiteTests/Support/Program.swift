import Foundation
import GRDB
import Testing

/// A program that an application may be, writing to the queue with whatever SQLite it has.
enum Program: String, CaseIterable, CustomTestStringConvertible {
    case grdb = "GRDB"
    case shell = "sqlite3"
    case python = "Python's sqlite3"

    var testDescription: String { rawValue }

    /// What became of a statement.
    enum Outcome: Hashable {
        /// It was taken, and this many refunds are there afterwards that were not before.
        case taken(new: Int)
        /// It failed with this message.
        case refused(String)
    }

    /// Runs each statement, written on one line, on the same database and takes it back again.
    func run(_ statements: [String], on path: String, pragmas: [String] = []) throws -> [Outcome] {
        switch self {
        case .grdb: try runGRDB(statements, path, pragmas)
        case .shell: try runShell(statements, path, pragmas)
        case .python: try runPython(statements, path, pragmas)
        }
    }

    private static let count = "SELECT count(*) FROM refund_queue"

    private func runGRDB(_ statements: [String], _ path: String, _ pragmas: [String]) throws -> [Outcome] {
        var configuration = GRDB.Configuration()
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        return try queue.writeWithoutTransaction { db in
            for pragma in pragmas { try db.execute(sql: pragma) }
            let before = try Int.fetchOne(db, sql: Self.count) ?? 0
            return try statements.map { statement in
                var outcome = Outcome.refused("")
                try db.inSavepoint {
                    do {
                        try db.execute(sql: statement)
                        outcome = .taken(new: (try Int.fetchOne(db, sql: Self.count) ?? 0) - before)
                    } catch let error as DatabaseError {
                        outcome = .refused(error.message ?? "")
                    }
                    return .rollback
                }
                return outcome
            }
        }
    }

    private func runShell(_ statements: [String], _ path: String, _ pragmas: [String]) throws -> [Outcome] {
        // A line each, since the shell drops what follows an error on its line, and errors tell of lines.
        let steps = statements.map { ["SAVEPOINT s;", "\($0);", "\(Self.count);", "ROLLBACK TO s;", "RELEASE s;"] }
        let script = (["\(pragmas.map { $0 + ";" }.joined()) \(Self.count);"] + steps.joined()).joined(separator: "\n")
        let result = try Command.run(["sqlite3", "-batch", path], input: script)
        var errors: [Int: String] = [:]
        for line in result.errors.split(separator: "\n") {
            // "Runtime error near line 7: message (19)"; the code is not in the message of older shells.
            guard let match = line.firstMatch(of: /near line ([0-9]+): (.*?)( \([0-9]+\))?$/), let number = Int(match.1)
            else { continue }
            errors[(number - 2) / 5] = String(match.2)
        }
        let counts = result.output.split(separator: "\n").compactMap { Int($0) }
        guard counts.count == statements.count + 1 else { throw Command.Failure(result: result) }
        return statements.indices.map { index in
            errors[index].map(Outcome.refused) ?? .taken(new: counts[index + 1] - counts[0])
        }
    }

    private func runPython(_ statements: [String], _ path: String, _ pragmas: [String]) throws -> [Outcome] {
        struct Answer: Decodable {
            var new: Int?
            var error: String?
        }
        let input = try JSONEncoder().encode([[path], pragmas, statements])
        let program = """
            import json, sqlite3, sys
            (path,), pragmas, statements = json.load(sys.stdin)
            db = sqlite3.connect(path, isolation_level=None)
            for pragma in pragmas: db.execute(pragma)
            count = lambda: db.execute("\(Self.count)").fetchone()[0]
            before, answers = count(), []
            for statement in statements:
                db.execute("SAVEPOINT s")
                try:
                    db.execute(statement)
                    answers.append({"new": count() - before})
                except sqlite3.Error as error:
                    answers.append({"error": str(error)})
                db.execute("ROLLBACK TO s")
                db.execute("RELEASE s")
            json.dump(answers, sys.stdout)
            """
        let result = try Command.run(["python3", "-c", program], input: String(decoding: input, as: UTF8.self))
        guard let answers = try? JSONDecoder().decode([Answer].self, from: Data(result.output.utf8)) else {
            throw Command.Failure(result: result)
        }
        return answers.map { $0.error.map(Outcome.refused) ?? .taken(new: $0.new ?? 0) }
    }
}
