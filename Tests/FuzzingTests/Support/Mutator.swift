import RefundCore

/// Makes inputs out of known ones; the same ones for the same seed.
struct Mutator {
    private let inputs: [[UInt8]]
    private var random: SplitMix64
    /// Bytes that mean something to one reader or another.
    private static let bytes = Array("{}[]\":,\\'#=.-_+/@%?0159exu \n\r\t".utf8) + [0x00, 0x7F, 0x80, 0xC3, 0xFF]

    /// Creates a mutator of some inputs, at least one.
    init(_ inputs: [[UInt8]], seed: UInt64) {
        self.inputs = inputs
        random = SplitMix64(seed: seed)
    }

    /// The next input.
    mutating func next() -> [UInt8] {
        var input = anyInput()
        for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&input) }
        return input
    }

    private mutating func anyInput() -> [UInt8] {
        inputs.randomElement(using: &random) ?? []
    }

    private mutating func mutate(_ input: inout [UInt8]) {
        let place = Int.random(in: 0...input.count, using: &random)
        let byte = Self.bytes.randomElement(using: &random) ?? 0
        let piece = place..<min(input.count, place + Int.random(in: 1...16, using: &random))
        switch Int.random(in: 0..<7, using: &random) {
        case 0 where place < input.count: input[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1 where place < input.count: input[place] = byte
        case 2: input.insert(byte, at: place)
        case 3: input.removeSubrange(piece)
        case 4: input.insert(contentsOf: Array(input[piece]), at: Int.random(in: 0...input.count, using: &random))
        case 5:
            // A piece of another input, which knows other words.
            let other = anyInput()
            let start = Int.random(in: 0...other.count, using: &random)
            let end = Int.random(in: start...other.count, using: &random)
            input.replaceSubrange(piece, with: other[start..<end])
        default: input.append(UInt8.random(in: .min ... .max, using: &random))
        }
    }
}
