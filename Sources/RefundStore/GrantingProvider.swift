/// A queue whose database knows roles, and gives each of them only what it needs.
package protocol GrantingProvider: StoreProvider {
    /// Gives roles of the database their rights; running it again changes nothing.
    ///
    /// - Parameters:
    ///   - applications: The roles that insert and read refunds.
    ///   - daemons: The roles that a daemon, or an operator's command, connects as.
    /// - Throws: `StoreError` if a role does not exist, or this user may not give these rights.
    func grant(toApplications applications: [String], toDaemons daemons: [String]) throws(StoreError)
}
