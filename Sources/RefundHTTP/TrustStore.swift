import CCurl
import Glibc

/// Where the certificate authorities of the system are found.
///
/// libcurl makes a TLS context for each connection. Out of a directory with hashed names OpenSSL reads the one authority
/// it needs; the bundle of them all, which libcurl reads as well by default, costs some 40 ms of CPU and a megabyte for
/// each connection. The bundle's place is then free for a request's own CA file, which adds to the directory.
struct TrustStore: Hashable, Sendable {
    /// The directory with hashed names, `CURLOPT_CAPATH`.
    let directory: String?
    /// The bundle used by requests without a CA file of their own, `CURLOPT_CAINFO`.
    let bundle: String?

    /// The trust store of the system.
    ///
    /// Where there is no directory with hashed names (Debian's `update-ca-certificates` makes it), the bundle is used,
    /// and a request's CA file stands in its place.
    static let system: TrustStore = {
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
