// The entry point of all tests. Without it, SwiftPM looks for XCTest's classes, of which there are none, and has the
// compiler index every module for that, which takes a tenth of a build's time.

import Testing

@main enum Main {
    static func main() async {
        // Whoever runs tests with "swift test" starts this program for each of the two libraries.
        guard CommandLine.arguments.contains("swift-testing") else { return }
        await Testing.__swiftPMEntryPoint() as Never
    }
}
