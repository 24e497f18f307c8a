import RefundCore
import RefundCrypto
import RefundPayCloud

/// The outer object of an answer, before it is signed.
struct Envelope {
    /// What stands in the member `sign`.
    enum Signature {
        case right
        case wrong
        case empty
        case absent
    }

    var code: String
    var message: String
    var psn: String
    /// The JSON text of the business part; errors have none.
    var data: String?
    var dataForm = Scenario.DataForm.text
    var signature = Signature.right

    /// Writes and signs the answer.
    ///
    /// - Throws: `KeyError` when the key cannot sign.
    func body(signedWith key: RSAPrivateKey) throws(KeyError) -> [UInt8] {
        var members = [
            JSONObject.Member(name: "code", value: .string(code)),
            JSONObject.Member(name: "msg", value: .string(message)),
            JSONObject.Member(name: "psn", value: .string(psn)),
        ]
        if let data {
            members.append(JSONObject.Member(name: "data", value: dataForm == .text ? .string(data) : .object(data)))
        }
        if let sign = try sign(members, with: key) {
            members.append(JSONObject.Member(name: "sign", value: .string(sign)))
        }
        var json = JSONText()
        json.object { json in
            for member in members {
                switch member.value {
                case .string(let text): json.string(member.name, text)
                case .number(let raw), .object(let raw), .array(let raw): json.raw(member.name, raw)
                case .bool(let value): json.bool(member.name, value)
                case .null: json.string(member.name, nil)
                }
            }
        }
        return json.bytes
    }

    private func sign(_ members: [JSONObject.Member], with key: RSAPrivateKey) throws(KeyError) -> String? {
        let text = SigningString.bytes(of: JSONObject(members))
        switch signature {
        case .right: return Base64.encoded(try key.signature(of: text))
        case .wrong: return Base64.encoded(try key.signature(of: text + [UInt8(ascii: "!")]))
        case .empty: return ""
        case .absent: return nil
        }
    }
}
