package import CoreMetrics
import FoundationEssentials
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
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            // Less the one that reads the folder.
            Metric.openDescriptors.set(Double(open.count - 1), in: factory)
        }
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
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }
}
