/// The count of exchanges under way, in all and per host, which decides whether one more may start.
///
/// libcurl knows the same two bounds, but lets those that wait go strictly in turn over all hosts: one slow host would
/// hold up the others. Here a request waits only for its own host, or for the client as a whole.
package struct Admission: Sendable {
    private let total: Int
    private let perHost: Int
    private var active = 0
    private var activePerHost: [String: Int] = [:]

    /// Creates a count of nothing under way.
    ///
    /// - Parameters:
    ///   - total: The greatest number of exchanges in all.
    ///   - perHost: The greatest number of exchanges with one host.
    package init(total: Int, perHost: Int) {
        self.total = total
        self.perHost = perHost
    }

    /// Counts one more exchange with a host, or returns `false` when it has to wait.
    package mutating func enter(_ host: String) -> Bool {
        guard active < total, activePerHost[host, default: 0] < perHost else { return false }
        active += 1
        activePerHost[host, default: 0] += 1
        return true
    }

    /// Counts one exchange less; the counterpart of an `enter` that returned `true`.
    package mutating func leave(_ host: String) {
        guard let count = activePerHost[host] else { return }
        active -= 1
        activePerHost[host] = count > 1 ? count - 1 : nil
    }
}
