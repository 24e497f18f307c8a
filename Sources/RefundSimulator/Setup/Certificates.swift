import COpenSSL
import RefundCrypto

/// A certificate authority for one server, and the server's certificate for the loopback names.
struct ServerCertificates {
    /// The authority's certificate, which clients must trust; its private key is not kept.
    let authority: String
    /// The server's certificate.
    let server: String
    /// The server's private key.
    let serverKey: String

    /// Creates both, valid for ten years.
    static func make() throws -> ServerCertificates {
        let authorityKey = try CertificateKey(pem: RSAPrivateKey.generate().pem)
        let authority = try Certificate(
            commonName: "refund-gateway-simulator authority",
            key: authorityKey,
            days: 3_650
        )
        try authority.add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0", issuer: authority)
        try authority.add(NID_key_usage, "critical,keyCertSign,cRLSign", issuer: authority)
        try authority.add(NID_subject_key_identifier, "hash", issuer: authority)
        try authority.sign(issuer: authority, key: authorityKey)

        let serverPEM = try RSAPrivateKey.generate().pem
        let server = try Certificate(commonName: "localhost", key: CertificateKey(pem: serverPEM), days: 3_650)
        try server.add(NID_basic_constraints, "critical,CA:FALSE", issuer: authority)
        try server.add(NID_key_usage, "critical,digitalSignature,keyEncipherment", issuer: authority)
        try server.add(NID_ext_key_usage, "serverAuth", issuer: authority)
        try server.add(NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1", issuer: authority)
        try server.add(NID_subject_key_identifier, "hash", issuer: authority)
        try server.add(NID_authority_key_identifier, "keyid", issuer: authority)
        try server.sign(issuer: authority, key: authorityKey)

        return ServerCertificates(authority: try authority.pem(), server: try server.pem(), serverKey: serverPEM)
    }
}

/// An owned X.509 certificate of OpenSSL.
///
/// Related OpenSSL documentation: <https://docs.openssl.org/3.0/man3/X509_new/>.
@safe
struct Certificate: ~Copyable {
    private let pointer: OpaquePointer

    /// Creates an unsigned version 3 certificate with a random serial number.
    ///
    /// - Parameters:
    ///   - commonName: The subject.
    ///   - key: The subject's key pair.
    ///   - days: The validity, which begins an hour ago because clocks may differ.
    /// - Throws: `SimulatorError` if OpenSSL fails.
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
    ///   - issuer: The issuer's certificate; this one for a self-signed certificate.
    /// - Throws: `SimulatorError` if OpenSSL fails.
    func add(_ identifier: Int32, _ value: String, issuer: borrowing Certificate) throws(SimulatorError) {
        var context = unsafe X509V3_CTX()
        unsafe X509V3_set_ctx(&context, issuer.pointer, pointer, nil, nil, 0)
        guard let extended = unsafe X509V3_EXT_conf_nid(nil, &context, identifier, value) else {
            throw SimulatorError.openSSL("the certificate extension \(value)")
        }
        defer { unsafe X509_EXTENSION_free(extended) }
        guard unsafe X509_add_ext(pointer, extended, -1) == 1 else { throw SimulatorError.openSSL("X509_add_ext") }
    }

    /// Sets the issuer and signs the certificate.
    ///
    /// - Parameters:
    ///   - issuer: The issuer's certificate; this one for a self-signed certificate.
    ///   - key: The issuer's private key.
    /// - Throws: `SimulatorError` if OpenSSL fails.
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

/// An owned private key of OpenSSL, for certificates.
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
