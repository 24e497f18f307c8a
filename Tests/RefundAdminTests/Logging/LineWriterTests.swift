import Dispatch
import Glibc
import RefundCore
import Testing

@testable import RefundAdmin

struct LineWriterTests {
    private func writer(_ descriptor: Int32) -> LineWriter {
        LineWriter(descriptor, patience: 0) { "lost \($0)\n" }
    }

    @Test func linesOfManyThreadsNeverMix() {
        let pipe = Pipe()
        let writer = writer(pipe.writer)
        let line: @Sendable (Int) -> String = { index in String(repeating: "\(index)", count: 999) + "\n" }
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            for _ in 0..<4 { writer.write(line(index)) }
        }
        let lines = pipe.read().split(separator: "\n")
        #expect(lines.count == 32)
        #expect(Set(lines).count == 8)
        #expect(lines.allSatisfy { $0.utf8.count == 999 })
    }

    @Test func stalledReaderLosesLinesAndLearnsHowMany() {
        let pipe = Pipe()
        let writer = writer(pipe.writer)
        pipe.fill()
        writer.write("a\n")
        writer.write("b\n")
        _ = pipe.read()
        writer.write("c\n")
        writer.write("d\n")
        #expect(pipe.read() == "lost 2\nc\nd\n")
    }

    @Test func readerThatWentAwayDoesNoHarm() {
        ignoreBrokenPipes()
        let descriptor = Pipe.broken()
        defer { close(descriptor) }
        let writer = writer(descriptor)
        writer.write("a\n")
        writer.write("b\n")
        // Neither a signal nor a trap ended the process.
        #expect(fcntl(descriptor, F_GETFD) >= 0)
    }

    @Test func closedDescriptorDoesNoHarm() {
        let writer = writer(-1)
        writer.write("a\n")
        #expect(deviceAndInode(of: -1) == nil)
    }

    @Test func lossIsReportedInTheFormatOfTheLog() {
        let loss = LogLine.loss(of: 3, at: .init(milliseconds: 0))
        #expect(
            loss.written(as: .journald) == "<4>standard error was blocked, log lines were dropped lines=3\n"
        )
    }
}
