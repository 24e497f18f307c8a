import Foundation
import RefundCore
import RefundCrypto
import RefundPayCloud

/// The answer that a ledger row keeps, checked as an auditor would: with the gateway's public key.
struct Evidence {
    private let members: JSONObject
    let isSigned: Bool

    /// Reads an answer.
    ///
    /// - Parameters:
    ///   - hexadecimal: The bytes as SQLite's `hex` writes them.
    ///   - publicKey: The file with the gateway's public key.
    /// - Throws: When the answer or the key cannot be read.
    init(hexadecimal: String, publicKey: String) throws {
        let digits = Array(hexadecimal)
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(digits[$0...$0 + 1]), radix: 16)
        }
        members = try JSONObject(parsing: bytes)
        let key = try RSAPublicKey(text: [UInt8](Data(contentsOf: URL(fileURLWithPath: publicKey))))
        guard case .string(let sign)? = members["sign"], let signature = Base64.decoded(sign) else {
            isSigned = false
            return
        }
        isSigned = key.isValid(signature: signature, for: SigningString.bytes(of: members))
    }

    /// The gateway's id of the request.
    var psn: String? {
        guard case .string(let text)? = members["psn"] else { return nil }
        return text
    }

    /// The business part of the answer.
    var data: JSON {
        get throws {
            switch members["data"] {
            case .string(let text), .object(let text): try JSON(parsing: text)
            default: .null
            }
        }
    }
}
