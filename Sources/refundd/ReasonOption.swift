import ArgumentParser

/// Why a person ends a refund.
struct ReasonOption: ParsableArguments {
    @Option(help: "Why, for the ledger and the webhook.")
    var reason: String

    func validate() throws {
        guard !reason.allSatisfy(\.isWhitespace) else {
            throw ValidationError("--reason is blank; say why, for whoever reads the ledger")
        }
    }
}
