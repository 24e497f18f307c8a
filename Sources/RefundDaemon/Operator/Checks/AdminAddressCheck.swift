import Foundation
import Glibc
import RefundAdmin
import RefundCore
import RefundStore

/// Checks that the daemon can listen on its admin address, or already does.
struct AdminAddressCheck {
    let address: ListenAddress
    let daemon: DaemonPresence
    /// The process that the service manager runs; nil if it runs none.
    var unitProcess: () -> Int32? = { ServiceUnit.isManagerRunning ? UnitState.current().mainProcess : nil }

    /// Runs the check, which listens on the address for a moment.
    ///
    /// - Returns: Why the daemon cannot serve the address; nil if it can or does.
    func problem() -> String? {
        do throws(AdminError) {
            try address.check()
            return nil
        } catch {
            guard case .addressInUse = error, isServedByDaemon else { return "\(error)" }
            return nil
        }
    }

    // The unit's daemon may still serve another database than the one that the configuration names now.
    private var isServedByDaemon: Bool {
        if case .running(let daemon?) = daemon { return isServed(by: daemon.pid) }
        return address.socketPath == nil && unitProcess().map(isServed) ?? false
    }

    private func isServed(by process: Int32) -> Bool {
        if address.socketPath != nil { return AdminProbe(address).answer() != nil }
        // While other sockets come and go, the kernel's table may be read without one that was there all the time.
        for _ in 1...Self.readings {
            let isOpen = ListeningSockets(port: address.port).areOpen(in: process)
            // A daemon of another user hides its descriptors.
            guard let isOpen else { return AdminProbe(address).answer() != nil }
            if isOpen { return true }
        }
        return false
    }

    private static let readings = 10
}

/// The sockets that listen on a TCP port of this machine.
///
/// Source: proc(5), `/proc/net/tcp`: the fields are number, local address, remote address, state (`0A` for listening),
/// queues, timer, retransmits, user, timeout, inode.
struct ListeningSockets {
    private let links: Set<String>

    init(port: Int) {
        let suffix = ":" + (String(repeating: "0", count: 4) + String(port, radix: 16, uppercase: true)).suffix(4)
        links = Set(
            ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { table in
                let lines = KernelTable.text(of: table)?.split(separator: "\n") ?? []
                return lines.compactMap { line -> String? in
                    let fields = line.split(separator: " ")
                    guard fields.count > 9, fields[1].hasSuffix(suffix), fields[3] == "0A" else { return nil }
                    return "socket:[\(fields[9])]"
                }
            }
        )
    }

    /// Returns whether a process has one of the sockets open; nil if that is hidden from this user.
    func areOpen(in pid: Int32) -> Bool? {
        let folder = "/proc/\(pid)/fd"
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return nil }
        return names.contains { name in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")).map(links.contains)
                ?? false
        }
    }
}
