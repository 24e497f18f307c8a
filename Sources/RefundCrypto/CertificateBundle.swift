import COpenSSL

/// A PEM file of trusted certificate authorities.
package enum CertificateBundle: Sendable {
    /// Checks that every certificate can be read, as each connection will read them.
    ///
    /// - Parameter text: The content of the file.
    /// - Throws: `CertificateError` if there is no certificate, or one that OpenSSL cannot read.
    package static func check(_ text: [UInt8]) throws(CertificateError) {
        defer { ERR_clear_error() }
        let (count, isWhole) = unsafe text.withUnsafeBytes { bytes in
            // An empty array has no address, which OpenSSL treats as an error.
            guard let length = Int32(exactly: bytes.count), let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, length)
            else { return (0, true) }
            defer { unsafe BIO_free(bio) }
            return unsafe certificates(in: bio)
        }
        // OpenSSL and libcurl read the file themselves, so it must have real line breaks.
        if count == 0, String(decoding: text, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----\\n") {
            throw .escapedLineBreaks
        }
        guard isWhole else { throw .damaged(number: count + 1) }
        guard count > 0 else { throw .none }
    }

    private static func certificates(in bio: OpaquePointer) -> (count: Int, isWhole: Bool) {
        var count = 0
        while let certificate = unsafe PEM_read_bio_X509(bio, nil, nil, nil) {
            unsafe X509_free(certificate)
            count += 1
        }
        // After the last certificate OpenSSL finds no start line; any other error concerns a certificate.
        let isWhole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
        return (count, isWhole)
    }
}

/// Why a file is not a usable certificate bundle.
package enum CertificateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It contains no certificate.
    case none
    /// Its line breaks are written as a backslash and an "n".
    case escapedLineBreaks
    /// It contains a certificate that cannot be read; its number, from 1.
    case damaged(number: Int)

    /// What is wrong and what to change.
    package var description: String {
        switch self {
        case .none: "the file holds no PEM certificate; it must begin with -----BEGIN CERTIFICATE-----"
        case .escapedLineBreaks:
            "the file's line breaks are written as \\n, as in JSON; write each as a real line break"
        case .damaged(let number):
            "certificate number \(number) in the file cannot be read; copy the complete certificate again"
        }
    }
}
