import Foundation
import Glibc
import RefundConfiguration
import RefundCore
import Testing

struct ConfigurationFileTests {
    private static func problem(loading file: String) -> ConfigurationProblem? {
        do throws(ConfigurationError) {
            _ = try Configuration.load(file: file, environment: [:])
            return nil
        } catch {
            return error.problems.first
        }
    }

    @Test func missingFileIsReportedWithItsPath() throws {
        try Sample.within { sample in
            try sample.write([], to: "other")
            for file in [sample.file, sample.folder + "/other/below", sample.folder, ""] {
                let problem = Self.problem(loading: file)
                #expect(problem?.code == .unreadable)
                #expect(problem.map { "\($0)" }?.hasPrefix("\(file.isEmpty ? "/" : file)") == true)
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func pipeIsReadToItsEndWithoutWaitingForAWriter() throws {
        try Sample.within { sample in
            #expect(unsafe mkfifo(sample.file, 0o600) == 0)
            #expect(Self.problem(loading: sample.file)?.code == .missing)
            let writer = unsafe open(sample.file, O_RDWR)
            let text = Array(Sample.text().utf8)
            Thread.detachNewThread {
                // The reader must find the pipe open but empty.
                usleep(200_000)
                _ = unsafe write(writer, text, text.count)
                close(writer)
            }
            #expect(Self.problem(loading: sample.file) == nil)
        }
    }

    @Test func nameIsNotCutAtANUL() throws {
        try Sample.within { sample in
            try sample.write(Sample.text().utf8)
            #expect(Self.problem(loading: sample.file + "\0.bak")?.code == .unreadable)
        }
    }

    @Test func fileAboveOneMebibyteIsRejected() throws {
        #expect(Self.problem(loading: "/dev/zero")?.code == .unreadable)
        let text = Sample.text(adding: "#")
        let full = text + String(repeating: "#", count: (1 << 20) - text.utf8.count)
        #expect(try Sample.problems(full).isEmpty)
        #expect(try Sample.problems(full + "#") == ["- unreadable"])
    }

    @Test(arguments: [0xe9, 0] as [UInt8])
    func byteThatIsNotTextIsReportedWithItsLine(byte: UInt8) throws {
        try Sample.within { sample in
            try sample.write(Array(Sample.text().utf8) + [0x23, byte, 0x0a])
            #expect(Self.problem(loading: sample.file)?.place == .line(file: sample.file, line: 7, column: nil))
        }
    }

    @Test func fileIsKnownByItsAbsolutePath() throws {
        try Sample.within { sample in
            try sample.write(Sample.text().utf8)
            let up = String(repeating: "../", count: 64)
            let relative = up + sample.file.dropFirst()
            let configuration = try Configuration.load(file: relative, environment: [:])
            #expect(configuration.file.hasPrefix("/"))
            #expect(configuration.file.hasSuffix(relative))
            #expect(configuration.gateways["default"]?.privateKeyFile.hasPrefix("/") == true)
        }
    }
}
