import Foundation
import Glibc
import RefundConfiguration
import Testing

struct ConfigurationFileTests {
    private static func problem(loading file: String) -> String? {
        do throws(ConfigurationProblems) {
            _ = try Configuration.load(file: file, environment: [:])
            return nil
        } catch {
            return error.description
        }
    }

    @Test func missingFileSaysWhatToDo() throws {
        try Sample.within { sample in
            for file in [sample.file, sample.file + "/below"] {
                try sample.write([], to: "other")
                #expect(
                    Self.problem(loading: file)
                        == "\(file): does not exist; "
                        + "copy refundd.conf.example there, or name another file with --config or $REFUNDD_CONFIG"
                )
            }
        }
    }

    @Test func folderIsRefused() throws {
        try Sample.within { sample in
            #expect(
                Self.problem(loading: sample.folder)
                    == "\(sample.folder): is a folder; name the file in it with --config or $REFUNDD_CONFIG"
            )
        }
    }

    @Test(.timeLimit(.minutes(1))) func pipeIsReadToItsEndAndNobodyIsWaitedForToOpenIt() throws {
        try Sample.within { sample in
            #expect(unsafe mkfifo(sample.file, 0o600) == 0)
            #expect(Self.problem(loading: sample.file)?.contains("gateway is missing") == true)
            let writer = unsafe open(sample.file, O_RDWR)
            let text = Array(Sample.text().utf8)
            Thread.detachNewThread {
                // After the reader has found nothing there yet.
                usleep(200_000)
                _ = unsafe write(writer, text, text.count)
                close(writer)
            }
            #expect(Self.problem(loading: sample.file) == nil)
        }
    }

    @Test func emptyNameIsRefused() {
        #expect(Self.problem(loading: "") != nil)
    }

    @Test func nameWithANULIsNotCutShort() throws {
        try Sample.within { sample in
            try sample.write(Sample.text().utf8)
            #expect(Self.problem(loading: sample.file + "\0.bak")?.contains("does not exist") == true)
        }
    }

    @Test func endlessFileIsRefused() {
        #expect(
            Self.problem(loading: "/dev/zero")
                == "/dev/zero: is larger than 1 MiB; name the configuration file with --config or $REFUNDD_CONFIG"
        )
    }

    @Test func onlyFilesUpToOneMebibyteAreRead() throws {
        let text = Sample.text(adding: "#")
        let full = text + String(repeating: "#", count: (1 << 20) - text.utf8.count)
        #expect(try Sample.problems(full).isEmpty)
        #expect(
            try Sample.problems(full + "#") == [
                "FILE: is larger than 1 MiB; name the configuration file with --config or $REFUNDD_CONFIG"
            ]
        )
    }

    @Test func wrongEncodingIsRefusedWithItsLine() throws {
        let bytes = Array(Sample.text().utf8) + [0x23, 0xe9, 0x0a]
        #expect(try Sample.problems(bytes) == ["FILE:7: is not UTF-8 text; save it as plain text in UTF-8"])
    }

    @Test func nulBytesAreRefusedWithTheirLine() throws {
        let bytes = Array("[gateway]\nurl = \"https://a".utf8) + [0] + Array("b\"".utf8)
        #expect(try Sample.problems(bytes) == ["FILE:2: has a NUL byte; save it as plain text in UTF-8"])
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
