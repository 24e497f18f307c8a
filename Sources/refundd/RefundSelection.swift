import ArgumentParser
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundStore

/// The arguments that select a command's refund: an order number, else a `trans_no`, or a row's id.
struct RefundSelection: ParsableArguments {
    @Argument(help: "The order number, the gateway's number, or #ID.")
    var refund: String?

    @Option(help: "The row's id.")
    var id: Int64?

    @Option(help: "Only refunds of this gateway.")
    var gateway: String?

    @Option(help: "Only refunds whose row names this merchant; \"\" for those whose row names none.")
    var merchant: String?

    /// Whether a refund is named.
    var isEmpty: Bool { refund == nil && id == nil }

    /// Requires exactly one name.
    func requireOne() throws {
        guard (refund == nil) != (id == nil) else {
            throw ValidationError("name one refund: its order number, its trans_no, or --id")
        }
    }

    func validate() throws {
        if refund != nil, id != nil { try requireOne() }
        if refund == "" { throw ValidationError("the refund's number is empty") }
        if let refund, refund.hasPrefix("#"), Int64(refund.dropFirst()) == nil {
            throw ValidationError("\"\(refund)\" is not a row; write # and the row's id, such as #42")
        }
    }

    private var name: RefundSelector.Name {
        if let id { return .id(id) }
        let text = refund ?? ""
        if text.hasPrefix("#"), let id = Int64(text.dropFirst()) { return .id(id) }
        return .number(text)
    }

    // The failure lists the refunds if there are several.
    private func find(in tx: any QueueReader) throws(StoreError) -> Result<Refund, CommandFailure> {
        let selector = RefundSelector(name, gateway: gateway, merchantNo: merchant)
        let found = try tx.refunds(selector)
        if found.count == 1 { return .success(found[0]) }
        let what = refund ?? id.map { "#\($0)" } ?? ""
        guard !found.isEmpty else {
            let pruned = try tx.prunedRefunds(selector).map { refund in
                "#\(refund.id) \(refund.number) was \(refund.state.rawValue); retention pruned it on "
                    + "\(refund.prunedAt.iso8601Seconds) and kept only its numbers"
            }
            var hint = ""
            if pruned.isEmpty, case .number(let number) = selector.name, let id = Int64(number),
                try !tx.refunds(RefundSelector(.id(id), gateway: gateway, merchantNo: merchant)).isEmpty
            {
                hint = "; did you mean '#\(id)'?"
            }
            return .failure(CommandFailure(.noSuchRefund, ["there is no refund \(what)\(hint)"] + pruned))
        }
        let lines = found.map { refund in
            "  \(refund.title), gateway \(refund.gateway)" + (refund.merchantNo.map { ", merchant \($0)" } ?? "")
        }
        let head = "\(what) matches \(found.count) refunds; name one with #ID, --gateway or --merchant:"
        return .failure(CommandFailure(.usage, [head] + lines))
    }

    /// Finds the refund and reads more about it in the same transaction.
    ///
    /// - Parameters:
    ///   - configuration: The configuration, with the database.
    ///   - common: The options of the command.
    ///   - body: Reads.
    /// - Returns: The body's value.
    /// - Throws: `CommandFailure` if the refund is not found, or the database cannot be read.
    func read<Value>(
        _ configuration: DatabaseConfiguration,
        _ common: CommonOptions,
        _ body: (any QueueReader, Refund) throws(StoreError) -> Value
    ) throws(CommandFailure) -> Value {
        try common.read(configuration) { tx throws(StoreError) -> Result<Value, CommandFailure> in
            switch try find(in: tx) {
            case .success(let refund): .success(try body(tx, refund))
            case .failure(let failure): .failure(failure)
            }
        }.get()
    }

    /// Finds the refund and writes in the same transaction.
    ///
    /// - Parameters:
    ///   - store: The queue.
    ///   - body: Writes to the refund with the given id.
    /// - Returns: The body's value.
    /// - Throws: `CommandFailure` if the refund is not found, or the body's failure.
    func write<Success>(
        to store: any QueueStore,
        _ body: (any QueueWriter, Int64) throws(StoreError) -> Result<Success, CommandFailure>
    ) throws(CommandFailure) -> Success {
        try store.commandShowingWait { tx throws(StoreError) in
            switch try find(in: tx) {
            case .success(let refund): try body(tx, refund.id)
            case .failure(let failure): .failure(failure)
            }
        }
    }
}
