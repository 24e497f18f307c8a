package import RefundCore
import RefundCrypto

/// The request `order.refund.query` for the state of one refund.
///
/// Every value is a JSON string and not empty. The vendor's implementations of the signature agree only on these: they
/// differ in how they write numbers, nested values and empty ones.
///
/// Sources: <https://developer.n-age.co.jp/docs/ja/newage/CloudAPI/query-refund>; common members after
/// <https://developer.codepay.us/docs/CloudAPI>; `OrderRefundQueryRequest` of the vendor's Java SDK
/// `paycloud-open/wise-paycloud-open-api-sdk-java` 3.1.2.
package struct GatewayRequest: Sendable {
    /// The header fields that the documentation requires (<https://developer.codepay.us/docs/BasicRules>), and one that
    /// asks for the body as it was signed.
    package static let headers = [
        (name: "Content-Type", value: "application/json"),
        (name: "Accept", value: "application/json"),
        (name: "Accept-Encoding", value: "identity"),
    ]

    private let members: [(name: String, value: String)]

    /// Creates a request.
    ///
    /// Only one of the two numbers is sent, the order number if there is one. Which of them wins is not documented.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - appID: The application's id at the gateway.
    ///   - now: The time of the request, which must be within 15 minutes of the gateway's clock.
    package init(_ query: RefundQuery, appID: String, at now: Timestamp) {
        let values: KeyValuePairs = [
            "app_id": appID,
            "method": "order.refund.query",
            "format": "JSON",
            "charset": "UTF-8",
            "sign_type": "RSA2",
            "version": "1.0",
            "timestamp": String(now.milliseconds),
            "merchant_no": query.merchantNo,
            "merchant_order_no": query.merchantOrderNo ?? "",
            "trans_no": query.merchantOrderNo == nil ? query.transNo ?? "" : "",
        ]
        members = values.filter { !$0.value.isEmpty }.map { (name: $0.key, value: $0.value) }
    }

    /// The bytes to sign with the application's private key.
    package var signingString: [UInt8] {
        SigningString.bytes(of: JSONObject(members.map { .init(name: $0.name, value: .string($0.value)) }))
    }

    /// The body to send.
    ///
    /// - Parameter signature: The signature of `signingString`.
    /// - Returns: One JSON object whose last member is `sign`.
    package func body(signature: [UInt8]) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            for (name, value) in members { json.string(name, value) }
            json.string("sign", Base64.encoded(signature))
        }
        return json.bytes
    }
}

/// The URL that refund queries are posted to.
package enum GatewayURL: Sendable {
    /// Why a URL cannot be that of a gateway, and how to correct it.
    package struct Invalid: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    // The path of the gateway's only entry point. Portals show URLs that end with it.
    private static let entrance = "/api/entry"
    private static let queryPath = "/api/entry/refundquery"

    /// Completes the URL of a gateway.
    ///
    /// Source: <https://developer.n-age.co.jp/docs/ja/newage/CloudAPI/query-refund>.
    ///
    /// - Parameter base: An absolute URL without a query, such as `https://open.n-age.co.jp` or
    ///   `https://open.n-age.co.jp/api/entry/`; a complete one stays as it is.
    /// - Returns: The exact URL of the refund query.
    /// - Throws: `Invalid` if the URL is that of another call, or too long once it is complete.
    package static func query(at base: String) throws(Invalid) -> String {
        var url = Substring(base)
        while url.hasSuffix("/") { url.removeLast() }
        for suffix in [queryPath, entrance] where url.hasSuffix(suffix) {
            url.removeLast(suffix.count)
            break
        }
        guard url.firstRange(of: entrance) == nil else {
            throw Invalid(description: "the URL is that of another API call; end it with \(entrance)")
        }
        guard (try? HTTPURL(url + queryPath)) != nil else {
            throw Invalid(description: "the URL is too long to append \(queryPath)")
        }
        return url + queryPath
    }
}
