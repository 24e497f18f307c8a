import COpenSSL

/// An X.509 certificate of OpenSSL that is owned, and freed, here.
///
/// Related OpenSSL documentation: <https://docs.openssl.org/3.0/man3/X509_new/>.
@safe
struct Certificate: ~Copyable {
    private let pointer: OpaquePointer

    /// Creates an unsigned certificate of version 3 with a random serial number.
    ///
    /// - Parameters:
    ///   - commonName: The subject.
    ///   - key: The key pair that the certificate is about.
    ///   - days: How long it is valid, from an hour ago on so that clocks may differ.
    /// - Throws: `SimulatorError` when OpenSSL fails.
    init(commonName: String, key: borrowing CertificateKey, days: Int32) throws(SimulatorError) {
        guard let pointer = unsafe X509_new() else { throw SimulatorError.openSSL("X509_new") }
        let name = unsafe X509_get_subject_name(pointer)
        let isComplete =
            unsafe X509_set_version(pointer, 2) == 1
            && ASN1_INTEGER_set_uint64(X509_get_serialNumber(pointer), .random(in: 1...UInt64(Int64.max))) == 1
            && X509_gmtime_adj(X509_getm_notBefore(pointer), -3_600) != nil
            && X509_time_adj_ex(X509_getm_notAfter(pointer), days, 0, nil) != nil
            && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, commonName, -1, -1, 0) == 1
            && X509_set_pubkey(pointer, key.pointer) == 1
        guard isComplete else {
            unsafe X509_free(pointer)
            throw SimulatorError.openSSL("filling in a certificate")
        }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe X509_free(pointer)
    }

    /// Adds an extension in the notation of OpenSSL's configuration files.
    ///
    /// Related OpenSSL documentation: <https://docs.openssl.org/3.0/man5/x509v3_config/>.
    ///
    /// - Parameters:
    ///   - identifier: The extension's `NID`.
    ///   - value: Such as `critical,CA:TRUE`.
    ///   - issuer: The certificate of who signs; this one for a self-signed certificate.
    /// - Throws: `SimulatorError` when OpenSSL fails.
    func add(_ identifier: Int32, _ value: String, issuer: borrowing Certificate) throws(SimulatorError) {
        var context = unsafe X509V3_CTX()
        unsafe X509V3_set_ctx(&context, issuer.pointer, pointer, nil, nil, 0)
        guard let extended = unsafe X509V3_EXT_conf_nid(nil, &context, identifier, value) else {
            throw SimulatorError.openSSL("the certificate extension \(value)")
        }
        defer { unsafe X509_EXTENSION_free(extended) }
        guard unsafe X509_add_ext(pointer, extended, -1) == 1 else { throw SimulatorError.openSSL("X509_add_ext") }
    }

    /// Names the issuer and signs the certificate.
    ///
    /// - Parameters:
    ///   - issuer: The certificate of who signs; this one for a self-signed certificate.
    ///   - key: The private key of who signs.
    /// - Throws: `SimulatorError` when OpenSSL fails.
    func sign(issuer: borrowing Certificate, key: borrowing CertificateKey) throws(SimulatorError) {
        guard unsafe X509_set_issuer_name(pointer, X509_get_subject_name(issuer.pointer)) == 1,
            unsafe X509_sign(pointer, key.pointer, EVP_sha256()) > 0
        else { throw SimulatorError.openSSL("signing a certificate") }
    }

    /// The certificate as PEM.
    func pem() throws(SimulatorError) -> String {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { throw SimulatorError.openSSL("BIO_new") }
        defer { unsafe BIO_free(bio) }
        guard unsafe PEM_write_bio_X509(bio, pointer) == 1 else { throw SimulatorError.openSSL("PEM_write_bio_X509") }
        var start: UnsafeMutablePointer<CChar>?
        let count = unsafe copenssl_memory_data(bio, &start)
        return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }
}

/// A private key of OpenSSL, to certify and to sign certificates with.
@safe
struct CertificateKey: ~Copyable {
    fileprivate let pointer: OpaquePointer

    /// Creates a key from PEM.
    init(pem: String) throws(SimulatorError) {
        let key = unsafe Array(pem.utf8).withUnsafeBytes { bytes -> OpaquePointer? in
            guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
            defer { unsafe BIO_free(bio) }
            return unsafe PEM_read_bio_PrivateKey(bio, nil, nil, nil)
        }
        guard let key = unsafe key else { throw SimulatorError.openSSL("PEM_read_bio_PrivateKey") }
        unsafe pointer = key
    }

    deinit {
        unsafe EVP_PKEY_free(pointer)
    }
}

extension SimulatorError {
    fileprivate static func openSSL(_ action: String) -> SimulatorError {
        SimulatorError("OpenSSL failed at \(action); check its installation and configuration")
    }
}
