extension Refund {
    /// The number that people know it by.
    package var number: String { merchantOrderNo ?? transNo ?? "" }

    /// The argument by which a command finds exactly this refund: its number, or its row where that may mean another
    /// refund, an option, or something to a shell.
    package var argument: String {
        let isPlain = number.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
        return isPlain && state != .abandoned && !number.isEmpty && !number.hasPrefix("-") ? number : "--id \(id)"
    }
}
