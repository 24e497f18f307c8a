import Foundation

/// The inputs that a target is known to read as it should: made by hand, or found by a fuzzer.
enum Corpus {
    private static let folder = Bundle.module.bundleURL.appendingPathComponent("Corpus")

    /// The inputs of a target, and those below `TEST_FUZZ_CORPUS` where a fuzzer keeps more of them.
    static func inputs(_ name: String) -> [[UInt8]] {
        let found = ProcessInfo.processInfo.environment["TEST_FUZZ_CORPUS"].map {
            files(in: URL(filePath: $0), name)
        }
        return handMade(name) + (found ?? [])
    }

    /// The inputs of a target that belong to the tests.
    static func handMade(_ name: String) -> [[UInt8]] {
        files(in: folder, name)
    }

    private static func files(in folder: URL, _ name: String) -> [[UInt8]] {
        let folder = folder.appendingPathComponent(name)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.sorted().compactMap { try? Array(Data(contentsOf: folder.appendingPathComponent($0))) }
    }
}
