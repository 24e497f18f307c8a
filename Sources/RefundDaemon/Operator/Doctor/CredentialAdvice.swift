import Glibc
import RefundCore
import RefundStore

/// The commands that fix problems with keys and secrets.
struct CredentialAdvice {
    private static let prompt = "; run: "

    /// Whether systemd passes them to the daemon, when it starts.
    let isUnits: Bool

    /// Turns problems into findings, one per file and cause.
    func findings(_ problems: [CredentialProblem]) -> [Finding] {
        var merged: [CredentialProblem] = []
        for problem in problems {
            let same = merged.firstIndex { $0.path != nil && $0.path == problem.path && $0.problem == problem.problem }
            if let same { merged[same].key += ", \(problem.key)" } else { merged.append(problem) }
        }
        return merged.map(finding)
    }

    /// Finds the files that the daemon cannot read itself.
    ///
    /// - Parameters:
    ///   - files: The files that nobody reads on the daemon's behalf.
    ///   - certificates: Those that are no secret.
    ///   - user: The user that runs the daemon.
    /// - Returns: A finding for each, with the command that lets the daemon read it and exposes no secret.
    static func unreadable(_ files: Set<String>, certificates: Set<String>, for user: ServiceUser) -> [Finding] {
        files.sorted().filter { !user.mayRead($0) }.map { path in
            let problem = "user \(user.name), who runs refundd, cannot read \(path)"
            let change = certificates.contains(path) ? "chmod 644" : "chown \(user.name)"
            return Finding(.problem, "credentials", problem, run: "\(change) \(path.asShellWord)")
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
            // A bundle of certificates is no secret, and the daemon reads it itself.
            let mode = problem.key.hasSuffix("ca_file") ? "644" : "600"
            let command = "install -m \(mode) \(path.fileName.asShellWord) \(path.asShellWord)\(restart)"
            return Finding(.problem, "credentials", problem.description, run: command)
        }
        if problem.key.contains("public_key_files"), !problem.description.contains(Self.prompt) {
            let text = "\(problem.description); save the gateway's key from its portal as \(path)"
            let command = isUnits ? "systemctl restart refundd" : "refundd check"
            return Finding(.problem, "credentials", text, run: command)
        }
        // What the file's protection lacks is said with its command.
        let parts = problem.description.split(separator: Self.prompt, maxSplits: 1).map(String.init)
        guard parts.count == 2 else {
            return Finding(.problem, "credentials", problem.description, run: "ls -l \(path.asShellWord)")
        }
        return Finding(.problem, "credentials", parts[0], run: parts[1] + restart)
    }
}
