import COpenSSL
import RefundCrypto

/// A certificate authority made for one server, with the server's certificate for the loopback names.
struct ServerCertificates {
    /// The authority's certificate, which clients have to trust; its private key is forgotten.
    let authority: String
    /// The server's certificate.
    let server: String
    /// The server's private key.
    let serverKey: String

    /// Makes both, valid for ten years.
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
