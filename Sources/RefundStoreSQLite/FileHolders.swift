import Foundation

/// Finds the programs that have a file open, so that messages can name them.
enum FileHolders {
    /// The other programs that have the file open, as far as this user may see.
    ///
    /// Source: proc(5), `/proc/PID/fd` and `/proc/PID/comm`.
    static func names(of path: String) -> [String] {
        let files = FileManager.default
        let target = DatabasePath.real(path)
        let own = String(ProcessInfo.processInfo.processIdentifier)
        let processes = (try? files.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.compactMap { process in
            guard process != own, process.allSatisfy(\.isNumber) else { return nil }
            let descriptors = (try? files.contentsOfDirectory(atPath: "/proc/\(process)/fd")) ?? []
            let holds = descriptors.contains { descriptor in
                (try? files.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\(descriptor)")) == target
            }
            guard holds else { return nil }
            let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
            return "\(name?.trimmingCharacters(in: .newlines) ?? "process") (process \(process))"
        }
    }
}
