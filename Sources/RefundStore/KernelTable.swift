import Foundation

/// A table of the kernel's, such as `/proc/locks`.
package enum KernelTable {
    /// Reads a table whole.
    ///
    /// One read may return less than the whole table. `String(contentsOfFile:)` takes a short read for the end, usually
    /// after 4 KiB.
    ///
    /// - Parameter path: The table's path.
    /// - Returns: Its text; nil if this user cannot read it.
    package static func text(of path: String) -> String? {
        guard let file = FileHandle(forReadingAtPath: path), let data = try? file.readToEnd() ?? Data() else {
            return nil
        }
        return String(decoding: data, as: UTF8.self)
    }
}
