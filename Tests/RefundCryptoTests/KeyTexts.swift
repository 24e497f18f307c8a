import RefundCrypto
import Testing

/// Rewrites keys from one container into another.
enum KeyTexts {
    /// The length of what PKCS#8 puts before the PKCS#1 form of an RSA private key of 2048 bits.
    private static let privateHeader = 26
    /// The length of what SubjectPublicKeyInfo puts before the PKCS#1 form of an RSA public key of 2048 bits.
    private static let publicHeader = 24

    /// The DER bytes inside a PEM text.
    static func der(of pem: String) throws -> [UInt8] {
        try #require(
            Base64.decoded(pem.split(separator: "\n").filter { !$0.contains("-") && !$0.contains(":") }.joined())
        )
    }

    /// DER bytes as PEM.
    static func pem(_ label: String, _ der: [UInt8], lineEnd: String = "\n", width: Int = 64) -> String {
        var lines = ["-----BEGIN \(label)-----"]
        var rest = Base64.encoded(der)[...]
        while !rest.isEmpty {
            lines.append(String(rest.prefix(width)))
            rest = rest.dropFirst(width)
        }
        lines.append("-----END \(label)-----")
        return lines.joined(separator: lineEnd) + lineEnd
    }

    /// Every text that a private key of 2048 bits in PEM may come as.
    static func privateContainers(of pem: String) throws -> [(name: String, text: String)] {
        let pkcs8 = try der(of: pem)
        let pkcs1 = Array(pkcs8.dropFirst(privateHeader))
        return containers(("PRIVATE KEY", pkcs8), ("RSA PRIVATE KEY", pkcs1))
    }

    /// Every text that a public key of 2048 bits in PEM may come as.
    static func publicContainers(of pem: String) throws -> [(name: String, text: String)] {
        let info = try der(of: pem)
        let pkcs1 = Array(info.dropFirst(publicHeader))
        return containers(("PUBLIC KEY", info), ("RSA PUBLIC KEY", pkcs1))
    }

    /// The PKCS#1 form of a private key of 2048 bits.
    static func pkcs1(ofPrivate pem: String) throws -> [UInt8] {
        Array(try der(of: pem).dropFirst(privateHeader))
    }

    private static func containers(_ forms: (label: String, der: [UInt8])...) -> [(name: String, text: String)] {
        forms.flatMap { form -> [(name: String, text: String)] in
            let bare = Base64.encoded(form.der)
            let broken = pem(form.label, form.der).split(separator: "\n").dropFirst().dropLast().joined(
                separator: "\r\n"
            )
            return [
                ("PEM", pem(form.label, form.der)),
                ("PEM with CR LF", pem(form.label, form.der, lineEnd: "\r\n")),
                ("PEM without a line end", String(pem(form.label, form.der).dropLast())),
                ("PEM with base64 on one line", pem(form.label, form.der, width: 4096)),
                ("PEM on one line", pem(form.label, form.der, lineEnd: " ")),
                ("PEM after a byte order mark", "\u{FEFF}" + pem(form.label, form.der)),
                ("PEM after a comment", "Key of the shop\n" + pem(form.label, form.der)),
                ("PEM under the other label", pem(forms[0].label, form.der)),
                ("base64", bare),
                ("base64 with a line end", bare + "\n"),
                ("base64 between blanks", " \t\r\n" + bare + " \n\n"),
                ("base64 in lines", broken),
                ("base64 after a byte order mark", "\u{FEFF}" + bare),
            ].map { ("\(form.label): \($0)", $1) }
        }
    }
}
