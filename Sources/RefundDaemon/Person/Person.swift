import Glibc
import RefundCore

/// The person who runs a command, as the ledger's `actor` names them.
package enum Person: Sendable {
    /// The name of whoever runs this process: behind `sudo` of who called it, else of its user.
    ///
    /// - Parameter environment: The process's environment.
    /// - Returns: A name that is never the daemon's own.
    package static func name(environment: [String: String]) -> String {
        name(of: geteuid(), sudoUser: environment["SUDO_USER"])
    }

    // Whoever is not root could write any name there.
    static func name(of user: uid_t, sudoUser: String?) -> String {
        let caller = user == 0 ? sudoUser.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 } : nil
        let name = caller ?? login(of: user) ?? "uid \(user)"
        return name == Transition.refundd ? "user \(name)" : name
    }

    private static func login(of user: uid_t) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { buffer in
            var entry = unsafe passwd()
            var found: UnsafeMutablePointer<passwd>?
            guard let start = buffer.baseAddress,
                unsafe getpwuid_r(user, &entry, start, buffer.count, &found) == 0,
                let found = unsafe found, let name = unsafe found.pointee.pw_name
            else { return nil }
            return unsafe String(cString: name)
        }
    }
}
