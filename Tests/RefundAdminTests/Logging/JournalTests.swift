import Glibc
import Logging
import RefundCore
import Synchronization
import Testing

@testable import RefundAdmin

struct JournalTests {
    private func line(_ message: String, _ metadata: Logger.Metadata = [:], at seconds: Int64 = 0) -> LogLine {
        let time = Timestamp(milliseconds: seconds * 1_000)
        return LogLine(time: time, level: .warning, label: "refundd", message: message, metadata: metadata)
    }

    private func fields(_ line: LogLine) -> [String] {
        String(decoding: line.journalEntry, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func entryHasAFieldForEachNumberThatPeopleSearchFor() {
        let metadata: Logger.Metadata = ["refund_id": "42", "order": "R-77", "gateway": "default", "attempt": "3"]
        #expect(
            fields(line("refund needs attention", metadata.id(.overdue))) == [
                "MESSAGE=refund needs attention attempt=3 gateway=default order=R-77 refund_id=42", "PRIORITY=4",
                "SYSLOG_IDENTIFIER=refundd", "LOGGER=refundd", "REFUNDD_ATTEMPT=3", "GATEWAY=default",
                "MESSAGE_ID=\(Attention.overdue.messageID)", "ORDER=R-77", "REFUND_ID=42",
            ]
        )
    }

    @Test(arguments: ["message", "MESSAGE", "priority", "_PID", "_pid", "order\nMESSAGE", "Order", "é", ""])
    func foreignKeysCannotPassForFieldsOfTheJournal(key: String) {
        let added = fields(line("m", [key: "x"])).dropFirst(4)
        #expect(added.count == 1)
        #expect(added.first?.wholeMatch(of: /REFUNDD_[A-Z0-9_]*=x/) != nil)
    }

    @Test func valuesCannotForgeFields() {
        let attack = "x\nPRIORITY=0\r\u{1b}[2J\u{2028}_UID=0\u{202e}"
        let entry = fields(line(attack, ["order": "\(attack)", "more": ["a", "\(attack)"]]))
        #expect(entry.count == 6)
        #expect(entry.filter { $0.hasPrefix("PRIORITY=") } == ["PRIORITY=4"])
        #expect(entry.allSatisfy { $0.unicodeScalars.allSatisfy { !$0.misleadsTerminal } })
    }

    @Test func fieldNamesAreNoLongerThanTheJournalAllows() {
        let entry = fields(line("m", [String(repeating: "k", count: 100): "v"]))
        #expect(entry.last?.prefix { $0 != "=" }.count == 64)
    }

    @Test func entryTooLongForADatagramIsSentAsAFileInMemory() throws {
        let journal = JournalReader()
        let socket = try #require(JournalSocket(path: journal.path))
        #expect(socket.send(Array("MESSAGE=short\n".utf8)))
        let long = Array("MESSAGE=\(String(repeating: "x", count: 3_000_000))\n".utf8)
        #expect(socket.send(long))
        #expect(journal.receive() == Array("MESSAGE=short\n".utf8))
        #expect(journal.receive() == long)
    }

    @Test func lineGoesToStandardErrorWhereNoJournalListens() {
        let written = Mutex<[String]>([])
        let control = LogControl(level: .info, format: .journald)
        let output = LogOutput(control, journal: JournalSocket(path: "/nonexistent/socket")) { line in
            written.withLock { $0.append(line) }
        }
        output.write(line("m"))
        #expect(written.withLock { $0 } == ["<4>m\n"])
    }

    @Test func lineGoesToTheJournalOnlyInItsFormat() {
        let journal = JournalReader()
        let written = Mutex<[String]>([])
        let control = LogControl(level: .info, format: .journald)
        let output = LogOutput(control, journal: JournalSocket(path: journal.path)) { line in
            written.withLock { $0.append(line) }
        }
        output.write(line("a"))
        #expect(journal.receive().starts(with: Array("MESSAGE=a\n".utf8)))
        control.change(level: .info, format: .json)
        output.write(line("b"))
        #expect(written.withLock { $0.count } == 1)
    }

    @Test func journalThatDoesNotReadIsWaitedForOnce() throws {
        let journal = JournalReader()
        let socket = try #require(JournalSocket(path: journal.path, patience: 50))
        let clock = ContinuousClock()
        var sent = 0
        let time = clock.measure {
            while socket.send([UInt8](repeating: 0x41, count: 1_000)), sent < 100_000 { sent += 1 }
            for _ in 0..<100 { _ = socket.send([0x41]) }
        }
        #expect(sent > 0 && sent < 100_000)
        #expect(time < .seconds(4))
    }
}

/// A journal's end of its socket.
private final class JournalReader: Sendable {
    let path = "/tmp/refundd-journal-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    private let descriptor: Int32

    init() {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let address = UnixSocketAddress(path)
        _ = unsafe address?.withPointer { unsafe bind(descriptor, $0, $1) }
    }

    deinit {
        close(descriptor)
        unsafe unlink(path)
    }

    /// The next entry, from the datagram or the sealed file that came with it.
    func receive() -> [UInt8] {
        var data = [UInt8](repeating: 0, count: 65_536)
        var control = [UInt64](repeating: 0, count: 8)
        let (count, memory) = unsafe data.withUnsafeMutableBytes { data -> (Int, Int32) in
            unsafe control.withUnsafeMutableBytes { control in
                var vector = unsafe iovec(iov_base: data.baseAddress, iov_len: data.count)
                return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    var message = unsafe msghdr()
                    unsafe message.msg_iov = vector
                    unsafe message.msg_iovlen = 1
                    unsafe message.msg_control = control.baseAddress
                    unsafe message.msg_controllen = control.count
                    let count = unsafe recvmsg(descriptor, &message, Int32(MSG_DONTWAIT))
                    // The descriptor follows the header of a control message, which has 16 bytes.
                    let hasFile = unsafe message.msg_controllen > 16
                    return (count, hasFile ? unsafe control.load(fromByteOffset: 16, as: Int32.self) : -1)
                }
            }
        }
        guard memory >= 0 else { return Array(data.prefix(max(count, 0))) }
        defer { close(memory) }
        // A file that could still be written would be refused by the journal.
        var byte: UInt8 = 0
        guard unsafe pwrite(memory, &byte, 1, 0) < 0 else { return [] }
        var file: [UInt8] = []
        while true {
            let offset = file.count
            let count = unsafe pread(memory, &data, 65_536, off_t(offset))
            guard count > 0 else { return file }
            file += data.prefix(count)
        }
    }
}
