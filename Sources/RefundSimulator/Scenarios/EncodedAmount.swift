import RefundCore

/// The amount at the end of a refund's number: `@`, the currency and the amount, with `_` for the decimal point.
///
/// | number | amount |
/// | --- | --- |
/// | `R-1001@JPY1200` | 1200 JPY |
/// | `OK3-7@USD12_50` | 12.50 USD |
///
/// No shop's own numbers look like this by accident.
enum EncodedAmount {
    /// Reads the amount.
    ///
    /// - Parameter number: The order number or `trans_no`.
    /// - Returns: Nil if the number encodes none.
    static func money(in number: String) -> Money? {
        guard let at = number.lastIndex(of: "@") else { return nil }
        let text = number[number.index(after: at)...]
        let currency = text.prefix(3)
        let amount = text.dropFirst(3).replacing("_", with: ".")
        guard currency.utf8.count == 3, currency.utf8.allSatisfy({ (0x41...0x5A).contains($0) }),
            amount.utf8.allSatisfy({ $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }),
            DecimalAmount(amount) != nil
        else { return nil }
        return Money(amount: String(amount), currency: String(currency))
    }
}

extension Scenario {
    /// The scenario with the amount that a number encodes, if it encodes one.
    func paying(_ number: String) -> Scenario {
        guard let money = EncodedAmount.money(in: number) else { return self }
        var scenario = self
        scenario.amount = money.amount
        scenario.currency = money.currency
        return scenario
    }
}
