/// What to change when a server cannot be used, found by the words of libpq and the server.
///
/// A connection that fails has no SQLSTATE. A server that speaks another language gets the general advice.
struct ConnectionRemedy: CustomStringConvertible {
    /// The advice, as the end of a sentence.
    let description: String

    /// Finds the advice for a failure.
    ///
    /// - Parameter reason: What libpq said about the server, or about each of several.
    init(for reason: String) {
        let known = Self.known.first { remedy in remedy.signs.contains { reason.contains($0) } }
        description = known?.advice ?? "check [database] url, the server, and its pg_hba.conf"
    }

    // What is wrong with the configuration comes before a server that is down, as one of several may be.
    private static let known: [(signs: [String], advice: String)] = [
        (["does not match host name"], "use a host name of the server's certificate in [database] url"),
        (
            ["certificate verify failed"],
            "add ?sslrootcert=FILE with the certificate of the server's CA to [database] url"
        ),
        (
            ["root certificate file"],
            "install the package ca-certificates, or add ?sslrootcert=FILE with the certificate of the server's CA to"
                + " [database] url"
        ),
        (
            ["server does not support SSL"],
            "turn TLS on at the server (ssl = on), or, where nobody can read or change the traffic, add"
                + " ?sslmode=disable to [database] url"
        ),
        (["no password supplied"], "name a file with the role's password in [database] password_file"),
        (["password authentication failed"], "put the role's password into the file of [database] password_file"),
        (["no pg_hba.conf entry", "pg_hba.conf rejects"], "add a line for it to the server's pg_hba.conf"),
        (
            ["eer authentication failed", "dent authentication failed"],
            "run refundd as the user that pg_hba.conf expects, or name another role in [database] url"
        ),
        (["permission denied for database"], "grant it: GRANT CONNECT ON DATABASE … TO …"),
        (["role \""], "create the role, or name another one in [database] url"),
        (["database \""], "create the database, or name another one in [database] url"),
        (["too many clients", "connection slots are reserved", "too many connections"], "raise max_connections"),
        (["no more connections allowed"], "raise max_client_conn of the pooler"),
        (
            ["unsupported startup parameter"],
            "leave it out of [database] url, or name it in ignore_startup_parameters of the pooler"
        ),
        (["starting up", "shutting down", "in recovery mode"], "wait until the server has started"),
        (["could not translate host name"], "correct the host in [database] url, or the name service"),
        (["is read-only", "in hot standby"], "name the primary in [database] url, too, or promote this standby"),
        (
            ["did not answer in time"],
            "find out what keeps the server busy, or raise default_pool_size of the pooler"
        ),
        (
            ["Connection refused", "timeout expired", "No such file or directory", "No route", "unreachable"],
            "start the server, or correct host and port in [database] url"
        ),
    ]
}
