import Glibc
import RefundCore

/// The commands that fix problems with keys and secrets.
struct CredentialAdvice {
    private static let prompt = "; run: "

    /// Whether systemd passes them to the daemon, when it starts.
    let isUnits: Bool

    /// Turns problems into findings, one per file and cause.
    func findings(_ problems: [CredentialProblem]) -> [Finding] {
        var seen: Set<CredentialProblem> = []
        return problems.compactMap { problem in
            var cause = problem
            if problem.path != nil { cause.key = "" }
            return seen.insert(cause).inserted ? finding(problem) : nil
        }
    }

    private func finding(_ problem: CredentialProblem) -> Finding {
        guard let path = problem.path else {
            return Finding(.problem, "credentials", problem.description, run: "refundd check")
        }
        if problem.isHidden {
            let text = "\(problem.key): \(path) cannot be read by you"
            return Finding(.problem, "credentials", text, run: "sudo refundd doctor")
        }
        let restart = isUnits ? " && systemctl restart refundd" : ""
        if problem.isMissingFile {
            let name = path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
            let command = "install -m 600 \(String(name).asShellWord) \(path.asShellWord)\(restart)"
            return Finding(.problem, "credentials", problem.description, run: command)
        }
        // What the file's protection lacks is said with its command.
        let parts = problem.description.split(separator: Self.prompt, maxSplits: 1).map(String.init)
        guard parts.count == 2 else {
            return Finding(.problem, "credentials", problem.description, run: "ls -l \(path.asShellWord)")
        }
        return Finding(.problem, "credentials", parts[0], run: parts[1] + restart)
    }
}
