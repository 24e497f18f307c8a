package import CoreMetrics
import Glibc

/// The figures of this process that Prometheus's client libraries also expose, from `/proc`.
///
/// Sources: proc(5), <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>.
package struct ProcessMetrics {
    var cpuSeconds: Double
    var startSeconds: Double
    var virtualBytes: Double
    var residentBytes: Double

    /// Reads the figures and sets their metrics; figures that the system does not report are left out.
    ///
    /// - Parameter factory: The registry of one scrape.
    package static func read(into factory: any MetricsFactory) {
        let boot = text(of: "/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        if let bootTime = boot.flatMap({ Double($0.dropFirst(6)) }),
            let figures = ProcessMetrics(
                stat: text(of: "/proc/self/stat"),
                bootTime: bootTime,
                ticks: Double(sysconf(Int32(_SC_CLK_TCK))),
                pageSize: Double(sysconf(Int32(_SC_PAGESIZE)))
            )
        {
            Metric.cpuTime.set(figures.cpuSeconds, in: factory)
            Metric.startTime.set(figures.startSeconds, in: factory)
            Metric.virtualMemory.set(figures.virtualBytes, in: factory)
            Metric.residentMemory.set(figures.residentBytes, in: factory)
        }
        var limit = rlimit()
        if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            Metric.maximumDescriptors.set(Double(limit.rlim_cur), in: factory)
        }
        if let count = openDescriptors() { Metric.openDescriptors.set(Double(count), in: factory) }
    }

    /// Reads the text of `/proc/PID/stat`.
    ///
    /// - Parameters:
    ///   - stat: The text.
    ///   - bootTime: When the machine started, in Unix seconds.
    ///   - ticks: The number of clock ticks per second.
    ///   - pageSize: The size of a page, in bytes.
    init?(stat: String, bootTime: Double, ticks: Double, pageSize: Double) {
        // The second field is the program's name in parentheses, which may contain blanks and parentheses itself.
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(whereSeparator: \.isWhitespace).map { Double($0) }
        guard fields.count > 21, let user = fields[11], let system = fields[12], let start = fields[19],
            let virtual = fields[20], let resident = fields[21]
        else { return nil }
        cpuSeconds = (user + system) / ticks
        startSeconds = bootTime + start / ticks
        virtualBytes = virtual
        residentBytes = resident * pageSize
    }

    private static func text(of path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += buffer.prefix(count)
        }
    }

    private static func openDescriptors() -> Int? {
        guard let folder = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(folder) }
        var count = 0
        while unsafe readdir(folder) != nil { count += 1 }
        // Less ".", "..", and the descriptor that reads the folder.
        return count - 3
    }
}
