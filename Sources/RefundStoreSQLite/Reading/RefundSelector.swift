/// Which refund a command means.
package struct RefundSelector: Hashable, Sendable {
    /// How it is named.
    package enum Name: Hashable, Sendable {
        /// By its row.
        case id(Int64)
        /// By its order number, else by the gateway's number of it.
        case number(String)
    }

    /// How it is named.
    package var name: Name
    /// Only refunds of this gateway, where it is given.
    package var gateway: String?
    /// Only refunds whose row names this merchant, or none where it is empty, where it is given.
    package var merchantNo: String?

    /// Creates a selector.
    package init(_ name: Name, gateway: String? = nil, merchantNo: String? = nil) {
        self.name = name
        self.gateway = gateway
        self.merchantNo = merchantNo
    }
}
