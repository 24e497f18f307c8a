extension WebAddress {
    // The gateway's one entrance; portals show addresses that end in it.
    private static let entrance = "/api/entry"
    private static let queryPath = "/api/entry/refundquery"

    /// Reads the address of a gateway, with or without the path of the call.
    ///
    /// The documented path of a refund query is `/api/entry/refundquery`, see
    /// <https://developer.n-age.co.jp/docs/ja/newage/CloudAPI/query-refund>; portals show addresses that end in
    /// `/api/entry`.
    ///
    /// - Parameter text: The address, such as `https://open.n-age.co.jp` or `https://open.n-age.co.jp/api/entry/`.
    /// - Returns: The exact address that queries are posted to.
    /// - Throws: When queries cannot or must not be posted there.
    static func gateway(_ text: String) throws(Refusal) -> String {
        let address = try WebAddress(text)
        guard address.isSecure || address.authority.isLoopback else {
            throw Refusal(
                "is http:// to another machine",
                "use https://; http:// is only for 127.0.0.0/8, localhost and [::1]"
            )
        }
        guard address.query.isEmpty else {
            throw Refusal("has a query", "leave out the ? and what follows")
        }
        var path = Substring(address.path)
        while path.hasSuffix("/") { path.removeLast() }
        for suffix in [queryPath, entrance] where path.hasSuffix(suffix) {
            path.removeLast(suffix.count)
            break
        }
        guard path.firstRange(of: entrance) == nil else {
            throw Refusal("has the path of another call", "leave out \(entrance) and what follows")
        }
        return address.origin + path + queryPath
    }
}
