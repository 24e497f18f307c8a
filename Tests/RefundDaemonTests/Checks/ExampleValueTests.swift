import Foundation
import Testing

@testable import RefundDaemon

/// The values that `check` takes for forgotten.
struct ExampleValueTests {
    @Test func applicationOfTheExampleIsKnown() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let example = try String(contentsOf: root.appending(path: "refundd.conf.example"), encoding: .utf8)
        #expect(example.contains("\napp_id = \"\(ConfigurationCheck.exampleAppID)\"\n"))
    }
}
