/// The version of this program.
package enum Version: Sendable {
    /// The version, such as `0.1.0`.
    package static let current = "0.1.0"
}
