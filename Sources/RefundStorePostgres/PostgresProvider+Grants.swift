import RefundPostgres
package import RefundStore
import RefundStoreSQL

extension PostgresProvider: GrantingProvider {
    package func grant(
        toApplications applications: [String],
        toDaemons daemons: [String]
    ) throws(StoreError) {
        guard !applications.isEmpty || !daemons.isEmpty else { return }
        let store = try PostgresStore(settings)
        defer { store.close() }
        try store.transaction(.write) { tx in
            for role in applications + daemons {
                let isKnown = try tx.number("SELECT count(*) FROM pg_roles WHERE rolname = $1") { $0.bind(role) }
                guard isKnown == 1 else { throw StoreError.unknownRole(location, role) }
            }
            for (roles, rights) in [(applications, Grants.application), (daemons, Grants.daemon)] where !roles.isEmpty {
                let names = roles.map(\.asIdentifier).joined(separator: ", ")
                for right in rights {
                    try tx.execute("GRANT \(right.replacing(Grants.place, with: settings.quotedSchema)) TO \(names)")
                }
            }
        }
    }
}

extension String {
    /// The text as an identifier of SQL.
    var asIdentifier: String { "\"\(replacing("\"", with: "\"\""))\"" }
}

extension StoreError {
    fileprivate static func unknownRole(_ location: String, _ role: String) -> StoreError {
        let text = "has no role \"\(role)\"; create it there: CREATE ROLE \(role.asIdentifier) LOGIN"
        return StoreError(.failed, location, "no role \(role)", database: text)
    }
}
