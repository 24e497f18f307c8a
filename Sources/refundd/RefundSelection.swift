import ArgumentParser
import RefundDaemon
import RefundStoreSQLite

/// Which refund a command is about: an order number, else a `trans_no`, or a row by its id.
struct RefundSelection: ParsableArguments {
    @Argument(help: "The order number, the gateway's number, or #ID.")
    var refund: String?

    @Option(help: "The row's id.")
    var id: Int64?

    @Option(help: "Only refunds of this gateway.")
    var gateway: String?

    @Option(help: "Only refunds whose row names this merchant; \"\" for those whose row names none.")
    var merchant: String?

    func validate() throws {
        guard (refund == nil) != (id == nil) else {
            throw ValidationError("name one refund: its order number, its trans_no, or --id")
        }
        if let refund, refund.hasPrefix("#"), Int64(refund.dropFirst()) == nil {
            throw ValidationError("\"\(refund)\" is no row; write # and the row's id, such as #42")
        }
    }

    var selector: RefundSelector {
        RefundSelector(name, gateway: gateway, merchantNo: merchant)
    }

    private var name: RefundSelector.Name {
        if let id { return .id(id) }
        let text = refund ?? ""
        if text.hasPrefix("#"), let id = Int64(text.dropFirst()) { return .id(id) }
        return .number(text)
    }

    /// Does something with the one refund that is meant.
    ///
    /// - Parameters:
    ///   - tx: Where to look for it.
    ///   - body: What to do with it and its id.
    /// - Returns: What the body returns, or why it is no refund, or several and which.
    /// - Throws: What SQLite says when it refuses.
    func withRefund<Success>(
        in tx: StoreTransaction,
        _ body: (Record, Int64) throws -> Result<Success, CommandFailure>
    ) throws -> Result<Success, CommandFailure> {
        switch one(of: try tx.refunds(selector)) {
        case .failure(let failure): .failure(failure)
        case .success(let refund): try body(refund, refund.integer("id") ?? 0)
        }
    }

    private func one(of found: [Record]) -> Result<Record, CommandFailure> {
        if found.count == 1 { return .success(found[0]) }
        let what = refund ?? id.map { "#\($0)" } ?? ""
        if found.isEmpty { return .failure(CommandFailure(.noSuchRefund, ["there is no refund \(what)"])) }
        let lines = found.map { record in
            let merchant = record.text("merchant_no").map { ", merchant \($0)" } ?? ""
            let order = record.text("merchant_order_no") ?? record.text("trans_no") ?? ""
            return "  #\(record.text("id") ?? "") \(order), gateway \(record.text("gateway") ?? "")\(merchant)"
        }
        let head = "\(what) means \(found.count) refunds; name one with #ID, --gateway or --merchant:"
        return .failure(CommandFailure(.usage, [head] + lines))
    }
}
