/// The header lines of an answer, kept as they came and read only when somebody asks.
package struct ResponseHead: Sendable {
    /// How many lines are kept, the status line included.
    package static let maximumLines = 65
    /// How many bytes are kept in all.
    package static let maximumBytes = 16_384

    private static let lineFeed = UInt8(ascii: "\n")

    private var bytes: [UInt8] = []
    private var lineCount = 0
    private var isInterim = false
    private var isComplete = false

    /// Creates a head without lines.
    package init() {}

    /// Takes the next line as libcurl hands it over: status line, field, empty line, or a trailer after the body.
    ///
    /// A head that starts anew (after `100 Continue`) replaces the one before; trailers and what exceeds the bounds are
    /// dropped.
    package mutating func add(_ line: some Collection<UInt8>) {
        if line.starts(with: "HTTP/".utf8), !isComplete || isInterim {
            let code = line.drop { $0 != UInt8(ascii: " ") }.dropFirst()
            self = ResponseHead()
            isInterim = code.first == UInt8(ascii: "1")
        }
        guard !isComplete else { return }
        let content = line.prefix { $0 != Self.lineFeed && $0 != UInt8(ascii: "\r") }
        guard !content.isEmpty else {
            isComplete = true
            return
        }
        guard lineCount < Self.maximumLines, bytes.count + content.count < Self.maximumBytes else { return }
        bytes.append(contentsOf: content)
        bytes.append(Self.lineFeed)
        lineCount += 1
    }

    /// Returns the value of the first field of a name, without the white space around it.
    package func value(of name: String) -> String? {
        let wanted = name.utf8
        for line in bytes.split(separator: Self.lineFeed) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let found = line[..<colon]
            guard found.count == wanted.count, zip(found, wanted).allSatisfy({ lowercased($0) == lowercased($1) })
            else { continue }
            let value = line[(colon + 1)...].drop(while: isBlank).reversed().drop(while: isBlank)
            return String(decoding: value.reversed(), as: UTF8.self)
        }
        return nil
    }

    private func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    private func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
