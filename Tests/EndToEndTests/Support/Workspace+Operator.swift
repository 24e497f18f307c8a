import Foundation
import Glibc

extension Workspace {
    /// Runs a command as Ada behind `sudo` if the tests run as root, otherwise as the tests' own user.
    func ada(_ arguments: String...) async throws -> Finished {
        let location = ["--config", configurationFile]
        return try await run(Programs.refundd, arguments + location, environment: ["SUDO_USER": "ada"])
    }

    /// Starts a command and does not wait for it to finish.
    func begin(_ arguments: String...) throws -> RunningProcess {
        try start(Programs.refundd, arguments + ["--config", configurationFile], name: arguments[0])
    }

    /// The name under which `ada` is recorded.
    func operatorName() async throws -> String {
        if geteuid() == 0 { return "ada" }
        return try await run("id", ["-un"]).output.trimmingCharacters(in: .newlines)
    }
}
