import RefundCrypto

/// One signature of the header `webhook-signature`.
struct GivenSignature: Hashable, Sendable {
    /// The 32 bytes.
    var code: [UInt8]
    /// How it is written wrongly, if it is.
    var mistake: SignatureMistake?
    /// Whether its scheme is `v1`.
    var hasScheme: Bool

    /// Whether a receiver can use it.
    var isProper: Bool { hasScheme && mistake == nil }

    /// Reads a header.
    ///
    /// - Returns: The signatures, and what is wrong with the header's form; nothing, if one signature is proper.
    static func all(in header: String) -> (signatures: [GivenSignature], problems: [SignatureProblem]) {
        var signatures: [GivenSignature] = []
        var problems: [SignatureProblem] = []
        for part in header.split(whereSeparator: \.isWhitespace) {
            let (scheme, text) = split(part)
            if scheme == nil { problems.append(.schemeMissing) }
            if let scheme, scheme != "v1" { problems.append(.otherScheme(String(scheme))) }
            guard let (code, mistake) = read(text) else {
                problems.append(.unreadableSignature)
                continue
            }
            signatures.append(GivenSignature(code: code, mistake: mistake, hasScheme: scheme == "v1"))
        }
        return (signatures, signatures.contains(where: \.isProper) ? [] : problems.uniqued)
    }

    // Other senders write `sha256=…` or `v1=…`. Base64 may end with the same sign.
    private static func split(_ part: Substring) -> (scheme: Substring?, text: Substring) {
        if let comma = part.firstIndex(of: ",") { return (part[..<comma], part[part.index(after: comma)...]) }
        guard let sign = part.firstIndex(of: "="), let next = part[part.index(after: sign)...].first, next != "=" else {
            return (nil, part)
        }
        return (part[...sign], part[part.index(after: sign)...])
    }

    private static func read(_ text: Substring) -> (code: [UInt8], mistake: SignatureMistake?)? {
        if let code = hexadecimal(Array(text.utf8)) { return (code, .hexadecimal) }
        if let code = Base64.decoded(text), code.count == 32 { return (code, nil) }
        guard let bytes = Base64.decodedLeniently(text) else { return nil }
        if let code = hexadecimal(bytes) { return (code, .hexadecimalInBase64) }
        return bytes.count == 32 ? (bytes, .otherBase64) : nil
    }

    private static func hexadecimal(_ digits: [UInt8]) -> [UInt8]? {
        guard digits.count == 64 else { return nil }
        let bytes = stride(from: 0, to: 64, by: 2).map { index in
            UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16)
        }
        return bytes.contains(nil) ? nil : bytes.compactMap(\.self)
    }
}

extension [SignatureProblem] {
    fileprivate var uniqued: [SignatureProblem] {
        reduce(into: []) { unique, problem in if !unique.contains(problem) { unique.append(problem) } }
    }
}

extension Base64 {
    /// Decodes the standard or the URL-safe alphabet as lenient programs do: with or without padding, and ignoring bits
    /// beyond the last whole byte.
    static func decodedLeniently(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var (bits, count): (UInt32, Int) = (0, 0)
        for character in text.utf8.prefix(while: { $0 != UInt8(ascii: "=") }) {
            let digit: UInt8
            switch character {
            case 0x41...0x5A: digit = character - 0x41
            case 0x61...0x7A: digit = character - 0x61 + 26
            case 0x30...0x39: digit = character - 0x30 + 52
            case UInt8(ascii: "+"), UInt8(ascii: "-"): digit = 62
            case UInt8(ascii: "/"), UInt8(ascii: "_"): digit = 63
            default: return nil
            }
            (bits, count) = (bits << 6 | UInt32(digit), count + 6)
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> count))
            bits &= (1 << count) - 1
        }
        return bytes
    }
}
