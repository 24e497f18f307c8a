import Foundation

/// A folder for one test, which is deleted with the last reference to it.
package final class TemporaryFolder: Sendable {
    /// The folder's path.
    package let path: String

    /// Creates an empty folder.
    ///
    /// - Parameter parent: The folder to create it in, or nil for the usual one.
    /// - Throws: An error if it cannot be created.
    package init(in parent: String? = nil) throws {
        path = "\(parent ?? FileManager.default.temporaryDirectory.path)/refundd-\(UUID().uuidString)"
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
        try write(text.utf8, to: name)
    }

    /// Writes a file.
    ///
    /// - Returns: Its path.
    @discardableResult
    package func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }
}
