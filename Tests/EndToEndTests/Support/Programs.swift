import Foundation
import Testing

/// Where the programs under test are.
enum Programs {
    static let refundd = path("refundd")
    static let simulator = path("refund-gateway-simulator")

    /// `TEST_BIN_DIR`, else the folder with the tests themselves, which is where a build puts programs.
    private static func path(_ name: String) -> String {
        let folder = ProcessInfo.processInfo.environment["TEST_BIN_DIR"] ?? Bundle.module.bundlePath + "/.."
        return URL(fileURLWithPath: folder).appendingPathComponent(name).standardizedFileURL.path
    }
}

/// The files that belong to the tests.
enum Fixture {
    static func path(_ name: String) throws -> String {
        try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: nil), "no fixture \(name)").path
    }
}
