import Logging
import RefundCore

extension LogLine {
    // In bytes; nobody reads a longer value.
    private static let fieldLimit = 65_536
    // These keys keep their names. All others get a prefix, so that no key can pass for a field of the journal's own.
    private static let plainKeys: Set = [
        "attention", "endpoint", "gateway", "order", "refund_id", "state", "webhook_id",
    ]

    /// The event in the journal's native protocol: one `FIELD=value` per line.
    ///
    /// `MESSAGE` is the line as text, since `journalctl` shows no other field. Values contain no line break, so that
    /// none can pass for another field.
    ///
    /// Source: <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>.
    var journalEntry: [UInt8] {
        var fields = [
            ("MESSAGE", messageAndMetadata), ("PRIORITY", "\(level.syslogPriority)"), ("SYSLOG_IDENTIFIER", "refundd"),
            ("LOGGER", escapedForTerminal(label.cut(to: Self.fieldLimit))),
        ]
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            fields.append((Self.fieldName(key), escapedForTerminal(value.plain.cut(to: Self.fieldLimit))))
        }
        return fields.flatMap { Array("\($0)=\($1)\n".utf8) }
    }

    /// The field of a metadata key: capitals, digits and underscores, at most 64 characters.
    private static func fieldName(_ key: String) -> String {
        if key == LogMessageID.key { return "MESSAGE_ID" }
        let name = key.unicodeScalars.map { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || (0x30...0x39).contains(scalar.value))
                ? String(scalar).uppercased() : "_"
        }
        return plainKeys.contains(key) ? name.joined() : "REFUNDD_\(name.joined())".cutToFieldName
    }
}

extension String {
    fileprivate var cutToFieldName: String { String(prefix(64)) }
}
