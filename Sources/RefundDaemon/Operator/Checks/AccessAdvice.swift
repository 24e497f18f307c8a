import Foundation
import Glibc
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
        if ProcessInfo.processInfo.environment["INVOCATION_ID"] != nil, Self.isReadOnly(provider.location.folder) {
            let problem = "the service's sandbox makes \(provider.location.folder) read-only"
            messages.append("\(problem), unless its file system is; run: sudo refundd doctor")
            return
        }
        messages += provider.accessFindings(for: .current).filter { $0.gravity == .problem }.map(
            \.asSeenFromSandbox.line
        )
    }

    private static func isReadOnly(_ folder: String) -> Bool { unsafe access(folder, W_OK) != 0 && errno == EROFS }
}
