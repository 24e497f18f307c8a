import Foundation
import Glibc
import Testing

/// The memory of a daemon, which holds its keys and secrets.
struct CoreDumpTests {
    private static let nobody = 65_534

    @Test(.endToEnd, arguments: [SIGABRT, SIGSEGV]) func crashLeavesNoCore(signal: Int32) async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            let daemon = try w.startPython("dumpable.py", [Programs.refundd, "run", "--config", w.configurationFile])
            try await daemon.waitForErrors(containing: "started")
            #expect(try await w.cores().isEmpty)
            let limits = try String(contentsOfFile: "/proc/\(daemon.id)/limits", encoding: .utf8)
            let limit = limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") }
            #expect(limit?.split(separator: " ").dropFirst(4).prefix(2) == ["0", "0"], "\(limits)")
            daemon.signal(signal)
            #expect(try await daemon.exitCode() == 128 + signal)
            #expect(try await w.cores().isEmpty)
        }
    }

    /// Root may read everything, so the daemon and who looks at it are both somebody else.
    @Test(.endToEnd) func sameUserSeesNeitherMemoryNorEnvironment() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            func unprivileged(_ arguments: [String]) -> [String] {
                guard geteuid() == 0 else { return arguments }
                return ["setpriv", "--reuid=\(Self.nobody)", "--regid=\(Self.nobody)", "--clear-groups"] + arguments
            }
            if geteuid() == 0 {
                #expect(try await w.run("chown", ["-R", "\(Self.nobody)", w.folder.path]).exitCode == 0)
            }
            let run = unprivileged([Programs.refundd, "run", "--config", w.configurationFile])
            let daemon = try w.start(run[0], Array(run.dropFirst()), name: "refundd")
            try await daemon.waitForErrors(containing: "started")
            let sleep = unprivileged(["sleep", "600"])
            let other = try w.start(sleep[0], Array(sleep.dropFirst()), name: "sleep")
            try await eventually("the other process of that user") {
                let name = try String(contentsOfFile: "/proc/\(other.id)/comm", encoding: .utf8)
                return name == "sleep\n"
            }
            for file in ["environ", "mem", "maps"] {
                for (process, isSeen) in [(other, true), (daemon, false)] {
                    let program = "open('/proc/\(process.id)/\(file)', 'rb')"
                    let look = unprivileged([Workspace.python, "-c", program])
                    let seen = try await w.run(look[0], Array(look.dropFirst()))
                    #expect((seen.exitCode == 0) == isSeen, "\(file): \(seen.errors)")
                    if !isSeen { #expect(seen.errors.contains("Permission denied")) }
                }
            }
            // What the daemon does itself is none the worse for it.
            try await w.enqueue("OK3-1")
            try await w.refund("OK3-1", is: "settled")
            daemon.signal(SIGTERM)
            #expect(try await daemon.exitCode() == 0)
        }
    }
}

extension Workspace {
    /// The core dumps in the folder, which is where a process that runs there leaves them on most systems.
    fileprivate func cores() async throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("core") }
    }
}
