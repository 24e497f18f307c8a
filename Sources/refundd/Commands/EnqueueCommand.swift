import ArgumentParser
import RefundDaemon
import RefundStoreSQLite

struct EnqueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enqueue",
        abstract: "Put a refund into the queue, as an application's INSERT does."
    )

    @OptionGroup var common: CommonOptions

    @Option(help: "The refund's own order number.")
    var order: String?

    @Option(help: "The gateway's number of the refund.")
    var transNo: String?

    @Option(help: "The merchant number, where it is not the configuration's.")
    var merchant: String?

    @Option(help: "The gateway, where it is not the default one.")
    var gateway: String?

    @Option(help: "What the refund must amount to, such as 12.50.")
    var amount: String?

    @Option(help: "The currency of the amount, such as JPY.")
    var currency: String?

    @Option(help: "Where webhooks of this refund go.")
    var callback: String?

    @Option(help: "A JSON object that webhooks echo.")
    var metadata: String?

    func validate() throws {
        guard order != nil || transNo != nil else { throw ValidationError("give --order or --trans-no") }
    }

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let store = try common.store(.existing)
            defer { store.close() }
            let named: [(NewRefund.Column, String?)] = [
                (.merchantOrderNo, order), (.transNo, transNo), (.merchantNo, merchant), (.gateway, gateway),
                (.expectedAmount, amount), (.expectedCurrency, currency), (.callbackURL, callback),
                (.metadata, metadata),
            ]
            let columns = named.compactMap { name, value in value.map { (name: name, value: $0) } }
            let id: Int64?
            do throws(StoreError) {
                id = try store.transaction { tx in try tx.enqueue(NewRefund(columns: columns)) }
            } catch .refused(let reason) {
                throw CommandFailure(.failed, [reason])
            } catch {
                throw CommandFailure(error)
            }
            let name = order ?? transNo ?? ""
            guard let id else {
                throw CommandFailure(.failed, ["\(name) is in the queue already; see refundd show \(name)"])
            }
            printLine("#\(id) \(name)")
        }
    }
}
