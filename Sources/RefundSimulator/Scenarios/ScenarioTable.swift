import RefundCore
import RefundPayCloud

extension Scenario {
    private static let endingKeys = [
        "settles_after_queries", "settles_after", "fails_after_queries", "fails_after", "cancelled_after_queries",
        "cancelled_after", "never",
    ]
    private static let unknownKeys = ["unknown_for_queries", "unknown_for", "unknown"]
    private static let otherKeys = [
        "error_code", "error_message", "amount", "currency", "trans_no", "status_while_open", "data_form", "latency",
        "fault", "fault_for_queries", "retry_after",
    ]
    private static let counts = 1...1_000_000

    /// Reads a scenario from a table of a scenario file.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - base: The scenario for every key that the table does not have.
    ///   - alsoAllowed: Further keys that the table may have.
    /// - Throws: `ScenarioFileError` with the key and the problem.
    init(_ table: TableReader, base: Scenario, alsoAllowed: [String] = []) throws(ScenarioFileError) {
        self = base
        try table.allow(alsoAllowed + Self.endingKeys + Self.unknownKeys + Self.otherKeys)
        try readEnding(table)
        try readUnknown(table)
        try readData(table)
        try readFault(table)
        if let latency = try table.duration("latency") { self.latency = latency }
    }

    private mutating func readEnding(_ table: TableReader) throws(ScenarioFileError) {
        try Self.allowOne(of: Self.endingKeys, in: table)
        let failure = Ending.failed(
            code: try table.string("error_code") ?? "TS-D2012",
            message: try table.string("error_message") ?? "insufficient funds"
        )
        for (word, ending) in [("settles", Ending.settled), ("fails", failure), ("cancelled", .cancelled)] {
            let queries = try table.integer("\(word)_after_queries", in: Self.counts)
            let duration = try table.duration("\(word)_after")
            guard let moment = queries.map({ .query($0) }) ?? duration.map({ Moment.elapsed($0) }) else { continue }
            self.ending = ending
            endsAt = moment
        }
        if try table.bool("never") == true { endsAt = .never }
        guard case .failed = ending else {
            for key in ["error_code", "error_message"] where table.has(key) {
                throw table.error(key, "requires fails_after_queries or fails_after")
            }
            return
        }
        if table.has("error_code") || table.has("error_message") { ending = failure }
    }

    private mutating func readUnknown(_ table: TableReader) throws(ScenarioFileError) {
        try Self.allowOne(of: Self.unknownKeys, in: table)
        if let queries = try table.integer("unknown_for_queries", in: Self.counts) { knownFrom = .query(queries + 1) }
        if let duration = try table.duration("unknown_for") { knownFrom = .elapsed(duration) }
        if let isUnknown = try table.bool("unknown") { knownFrom = isUnknown ? .never : .query(1) }
    }

    private mutating func readData(_ table: TableReader) throws(ScenarioFileError) {
        if let amount = try table.string("amount") {
            guard DecimalAmount.plainText(amount) == amount, !amount.hasPrefix("-"), amount.utf8.count <= 32 else {
                throw table.error("amount", "must be a decimal in quotation marks, such as \"1200\" or \"12.50\"")
            }
            self.amount = amount
        }
        if let currency = try table.string("currency") {
            guard currency.count == 3, currency.allSatisfy({ $0.isASCII && $0.isUppercase }) else {
                throw table.error("currency", "must be three capital letters, such as \"JPY\"")
            }
            self.currency = currency
        }
        if let transNo = try table.string("trans_no") {
            guard RefundNumber.isValid(transNo, upTo: RefundNumber.transNoLimit) else {
                throw table.error("trans_no", "must be 1 to 64 of A-Z a-z 0-9 _ - | * @")
            }
            self.transNo = transNo
        }
        if let status = try table.integer("status_while_open", in: 0...9) {
            guard status == 0 || status == 9 else { throw table.error("status_while_open", "must be 0 or 9") }
            statusWhileOpen = status == 9 ? .created : .inProgress
        }
        if let form = try table.choice("data_form", of: DataForm.self) { dataForm = form }
    }

    private mutating func readFault(_ table: TableReader) throws(ScenarioFileError) {
        if let fault = try table.choice("fault", of: Fault.self) {
            self.fault = fault
            faultForQueries = nil
            retryAfter = nil
        }
        if let retryAfter = try table.duration("retry_after") {
            guard fault == .http429 || fault == .http503 else {
                throw table.error("retry_after", "needs the fault \"http_429\" or \"http_503\"")
            }
            self.retryAfter = retryAfter
        }
        guard let queries = try table.integer("fault_for_queries", in: Self.counts) else { return }
        guard fault != nil else { throw table.error("fault_for_queries", "needs a fault") }
        faultForQueries = queries
    }

    private static func allowOne(of keys: [String], in table: TableReader) throws(ScenarioFileError) {
        let present = keys.filter(table.has)
        guard present.count <= 1 else {
            throw table.error(present[1], "contradicts \(present[0]); remove one of them")
        }
    }
}
