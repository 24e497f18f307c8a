import Foundation
import Testing

/// Whatever bytes come from outside, what reads them holds to its rules.
///
/// `Tests/FuzzingTests/fuzz TARGET SECONDS` looks for such bytes with libFuzzer. What it finds is mended and then kept in
/// `Corpus`.
struct FuzzingTests {
    /// More than this many mutants are made by `fuzz`.
    private static let mutants = 5_000

    @Test(arguments: FuzzTarget.all)
    func knownInputsHoldToTheRules(target: FuzzTarget) throws {
        let inputs = Corpus.inputs(target.name)
        try #require(!inputs.isEmpty)
        for input in inputs { try check(input, target) }
    }

    @Test(arguments: FuzzTarget.all, [1, 2] as [UInt64])
    func mutantsOfKnownInputsHoldToTheRules(target: FuzzTarget, seed: UInt64) throws {
        var mutator = Mutator(Corpus.handMade(target.name), seed: seed)
        for _ in 0..<Self.mutants { try check(mutator.next(), target) }
    }

    private func check(_ input: [UInt8], _ target: FuzzTarget) throws {
        do throws(Finding) {
            try target.check(input)
        } catch {
            Issue.record("\(error), for \(String(decoding: input, as: UTF8.self).debugDescription)")
        }
    }
}
