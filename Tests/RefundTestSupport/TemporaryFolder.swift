import Foundation

/// A folder for one test, which is deleted with the last reference to it.
package final class TemporaryFolder: Sendable {
    /// The folder's path.
    package let path: String

    /// Creates an empty folder.
    package init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("refundd-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of a file in the folder.
    package func path(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file.
    ///
    /// - Returns: Its path.
    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }
}
