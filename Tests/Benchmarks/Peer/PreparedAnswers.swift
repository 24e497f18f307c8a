import Foundation
import NIOCore
import RefundCore
import RefundCrypto
import RefundPayCloud

/// The HTTP responses to queries for the refunds `R0`, `R1` and so on, signed and written beforehand.
struct PreparedAnswers: Sendable {
    private let responses: [ByteBuffer]

    /// Signs answers on all cores.
    ///
    /// - Parameters:
    ///   - count: For how many refunds.
    ///   - status: The state of all of them.
    ///   - key: The gateway's key.
    /// - Throws: `KeyError` when the key cannot sign.
    init(count: Int, status: TransStatus, signedWith key: RSAPrivateKey) async throws {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let share = (count + cores - 1) / cores
        responses = try await withThrowingTaskGroup(of: (Int, [ByteBuffer]).self) { group in
            for core in 0..<cores {
                let numbers = min(core * share, count)..<min((core + 1) * share, count)
                group.addTask {
                    let bodies = try numbers.map { try Self.body(number: $0, status, signedWith: key) }
                    return (core, bodies.map { HTTPText.response(body: $0) })
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.flatMap(\.1)
        }
    }

    /// The response for a refund, or nil for one that no answer was prepared for.
    subscript(number: Int) -> ByteBuffer? {
        responses.indices.contains(number) ? responses[number] : nil
    }

    private static func body(number: Int, _ status: TransStatus, signedWith key: RSAPrivateKey) throws -> String {
        var data = JSONWriter()
        data.object { json in
            json.string("trans_no", "41\(18_000_000_000 + number)")
            json.string("orig_trans_no", "40\(18_000_000_000 + number)")
            json.string("merchant_order_no", "R\(number)")
            json.number("trans_status", status.rawValue)
            json.string("price_currency", "JPY")
            json.string("order_amount", "1200")
            json.string("trans_amount", "1200")
            json.string("trans_fee_c", "0")
            json.string("vat_amount", "0")
            json.string("trans_end_time", "2026-01-02 03:04:05")
            json.string("pay_channel_trans_no", "CH\(18_000_000_000 + number)")
        }
        let members = [("code", "0"), ("msg", "SUCCESS"), ("psn", "P\(number)"), ("data", data.text)]
        let signed = SigningString.bytes(of: JSONObject(members.map { .init(name: $0.0, value: .string($0.1)) }))
        let signature = try key.signature(of: signed)
        var envelope = JSONWriter()
        envelope.object { json in
            for (name, value) in members { json.string(name, value) }
            json.string("sign", Base64.encoded(signature))
        }
        return envelope.text
    }
}
