/// Why the admin address cannot be served.
package enum AdminError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another program, or another refundd, listens there.
    case addressInUse(String)
    /// The operating system refuses the address for another reason.
    case cannotListen(String, reason: String)

    /// One sentence that says what to change.
    package var description: String {
        switch self {
        case .addressInUse(let address):
            "cannot listen on \(address): another program listens there; "
                + "set [admin] listen to a free port, or to \"\" for no admin address"
        case .cannotListen(let address, let reason):
            "cannot listen on \(escapedForTerminal(address)): \(escapedForTerminal(reason)); change [admin] listen"
        }
    }
}
