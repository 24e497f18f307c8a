import Glibc

/// A pipe that closes its ends when it is released.
final class Pipe: Sendable {
    let reader: Int32
    let writer: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        _ = unsafe pipe(&ends)
        reader = ends[0]
        writer = ends[1]
    }

    deinit {
        close(reader)
        close(writer)
    }

    /// Reads what has been written; waits for the first byte.
    func read() -> String {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        let size = buffer.count
        let count = unsafe Glibc.read(reader, &buffer, size)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }

    /// Fills the pipe, as a stalled reader does.
    func fill() {
        let flags = fcntl(writer, F_GETFL)
        _ = fcntl(writer, F_SETFL, flags | O_NONBLOCK)
        let block = [UInt8](repeating: UInt8(ascii: "#"), count: 4_096)
        while unsafe write(writer, block, block.count) > 0 {}
        _ = fcntl(writer, F_SETFL, flags)
    }

    /// The write end of a pipe whose read end is closed.
    static func broken() -> Int32 {
        let pipe = Pipe()
        return withExtendedLifetime(pipe) { dup(pipe.writer) }
    }
}
