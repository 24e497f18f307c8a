import CCurl
import Glibc

/// The system's certificate authorities.
///
/// libcurl creates a TLS context for each connection. From a directory with hashed names OpenSSL loads only the
/// authority it needs; the bundle of all authorities, which libcurl also loads by default, costs some 40 ms of CPU and
/// 1 MB per connection. Without the bundle, a request's CA file can take its place and adds to the directory.
struct TrustStore: Hashable, Sendable {
    /// The directory with hashed names, `CURLOPT_CAPATH`.
    let directory: String?
    /// The bundle for requests without a CA file of their own, `CURLOPT_CAINFO`.
    let bundle: String?

    /// The system's trust store.
    ///
    /// Without a directory with hashed names (which Debian's `update-ca-certificates` creates), the bundle is used, and
    /// a request's CA file replaces it.
    static let system: TrustStore = {
        guard CurlLibrary.initialization == CURLE_OK else { return TrustStore(directory: nil, bundle: nil) }
        guard let handle = unsafe curl_easy_init() else { return TrustStore(directory: nil, bundle: nil) }
        defer { unsafe curl_easy_cleanup(handle) }
        let directory = unsafe ccurl_get_string(handle, CURLINFO_CAPATH).map { unsafe String(cString: $0) }
        if let directory, hasHashedNames(directory) {
            return TrustStore(directory: directory, bundle: nil)
        }
        let bundle = unsafe ccurl_get_string(handle, CURLINFO_CAINFO).map { unsafe String(cString: $0) }
        return TrustStore(directory: nil, bundle: bundle)
    }()

    private static func hasHashedNames(_ directory: String) -> Bool {
        var found = unsafe glob_t()
        defer { unsafe globfree(&found) }
        return unsafe glob("\(directory)/*.0", GLOB_NOSORT, nil, &found) == 0
    }
}

/// The process-wide state of libcurl.
enum CurlLibrary {
    /// The result of initializing libcurl, which must precede every other use: it reads some variables only then.
    static let initialization: CURLcode = {
        ProcessEnvironment.removeLibraryVariables()
        return curl_global_init(Int(CURL_GLOBAL_SSL))
    }()
}

/// The environment variables of this process.
package enum ProcessEnvironment {
    /// Variables by which OpenSSL, libcurl and the C library's resolver would write session keys to a file, trust other
    /// authorities, load other code, or look up other names than the configuration says.
    ///
    /// Sources: <https://docs.openssl.org/3.5/man7/openssl-env/>, <https://curl.se/libcurl/c/libcurl-env.html>,
    /// hostname(7).
    private static let libraryVariables = [
        "SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR", "CTLOG_FILE", "OPENSSL_CONF", "OPENSSL_CONF_INCLUDE",
        "OPENSSL_ENGINES", "OPENSSL_MODULES", "OPENSSL_TRACE", "QLOGDIR", "OSSL_QFILTER",
        "RANDFILE", "CURL_SSL_BACKEND", "HOSTALIASES",
    ]

    /// Removes these variables, for this process and the programs it starts.
    ///
    /// Call it before the first use of OpenSSL, which reads its configuration then, and before starting threads, which
    /// may read the environment at the same time. Creating an `HTTPClient` calls it, too.
    package static func removeLibraryVariables() {
        for name in libraryVariables where unsafe getenv(name) != nil { unsafe unsetenv(name) }
    }
}
