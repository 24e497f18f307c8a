import RefundCrypto
import Testing

struct CertificateBundleTests {
    /// A certificate that was made for this test; its private key was never kept.
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBdjCCARugAwIBAgIUB1jHzoa3z0f1wfqUGtskJmcWWWUwCgYIKoZIzj0EAwIw
        DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjUxMDEyNDhaGA8yMTI2MTEwMTEwMTI0
        OFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBlv
        nwqyOVI9TeQU+Ok3LJ2pIa2DuLwFgyKffrolqnHznu1Uk2/6Tt6zJghkxquN+T3p
        E6GohuaGAuk5ZcyXNuKjUzBRMB0GA1UdDgQWBBQyoXnwY7cnJbP1TJWBsODza2iN
        +TAfBgNVHSMEGDAWgBQyoXnwY7cnJbP1TJWBsODza2iN+TAPBgNVHRMBAf8EBTAD
        AQH/MAoGCCqGSM49BAMCA0kAMEYCIQCWyjPUQp4BJnGmEP/6FNH2oR6I48/oa2vT
        HZxtxeqh5AIhAOqXJqw5J3/4qjLWFK1s7pY0S5xQdxXSfGGNpvlgdmrB
        -----END CERTIFICATE-----

        """

    private func check(_ text: String) throws(CertificateError) {
        try CertificateBundle.check(Array(text.utf8))
        #expect(!KeyError.isErrorLeft)
    }

    @Test(arguments: [certificate, certificate + certificate, "an authority of ours\n" + certificate + "\n \n"])
    func textAroundCertificatesIsIgnored(text: String) throws {
        try check(text)
    }

    @Test(arguments: ["", "\n", "rubbish", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
    func textWithoutACertificateIsRefused(text: String) {
        #expect(throws: CertificateError.none) { try check(text) }
    }

    @Test func escapedLineBreaksAreNamed() {
        let text = Self.certificate.replacing("\n", with: "\\n")
        #expect(throws: CertificateError.escapedLineBreaks) { try check(text) }
        #expect(CertificateError.escapedLineBreaks.description.contains("\\n"))
    }

    @Test func damagedCertificateIsRefusedAtAnyPosition() {
        let lines = Self.certificate.split(separator: "\n")
        let damaged = [
            "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n",
            lines.dropLast().joined(separator: "\n") + "\n",
            (lines.prefix(4) + lines.suffix(1)).joined(separator: "\n") + "\n",
        ]
        for text in damaged {
            #expect(throws: CertificateError.damaged(number: 1)) { try check(text) }
            #expect(throws: CertificateError.damaged(number: 2)) { try check(Self.certificate + text) }
        }
    }
}
