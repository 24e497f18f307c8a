import Foundation
import Testing

extension Workspace {
    /// A port that nobody listens on.
    func freePort() async throws -> Int {
        let program = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
        let found = try await run(Self.python, ["-c", program])
        return try #require(Int(found.output.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    /// Asks the daemon's admin address.
    func get(_ path: String, port: Int) async throws -> (status: Int, type: String, body: String) {
        let form = "\n%{http_code} %{content_type}"
        let answer = try await run("curl", ["-sS", "--max-time", "20", "-w", form, "http://127.0.0.1:\(port)\(path)"])
        try #require(answer.exitCode == 0, "\(answer.errors)")
        let end = try #require(answer.output.lastIndex(of: "\n"))
        let words = answer.output[end...].dropFirst().split(separator: " ", maxSplits: 1).map(String.init)
        return (Int(words[0]) ?? 0, words.count > 1 ? words[1] : "", String(answer.output[..<end]))
    }
}
