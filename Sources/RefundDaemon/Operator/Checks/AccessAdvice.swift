import RefundCore
import RefundStore

extension Finding {
    /// The finding as the daemon may report it: in its sandbox, other users' names are hidden.
    var asSeenFromSandbox: Finding {
        guard command?.contains("chown") == true else { return self }
        return Finding(gravity, subject, text, run: "sudo refundd doctor")
    }
}

extension CommandFailure {
    /// The failure to open a queue, with what its user may not do.
    init(_ error: StoreError, _ provider: any StoreProvider) {
        self.init(error)
        guard [.cannotOpen, .readOnly].contains(error.kind) else { return }
        messages += provider.accessFindings(for: .current).filter { $0.gravity == .problem }.map(
            \.asSeenFromSandbox.line
        )
    }
}
