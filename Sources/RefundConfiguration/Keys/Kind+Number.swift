extension Kind where Value == Int {
    /// A whole number within bounds.
    static func count(in range: ClosedRange<Int>) -> Kind {
        Kind(
            read: { (raw) throws(Refusal) in
                let remedy = "write a number from \(range.lowerBound) to \(range.upperBound), without quotes"
                let number: Int
                switch raw {
                case .integer(let integer): number = integer
                case .variable(let text):
                    guard let integer = Int(text) else {
                        throw Refusal("is not a whole number", remedy, value: text.quoted)
                    }
                    number = integer
                default: throw raw.refusal(expected: "a whole number", remedy: remedy)
                }
                guard range.contains(number) else { throw Refusal("is out of bounds", remedy, value: "\(number)") }
                return number
            },
            write: { "\($0)" }
        )
    }
}

extension Kind where Value == Double {
    /// A number of at least 1.
    static var factor: Kind { number("a number of at least 1, such as 2.0") { $0 >= 1 } }
    /// A part of one, from 0 to below 1.
    static var part: Kind { number("a number from 0 to below 1, such as 0.1") { (0..<1).contains($0) } }
    /// A number above 0.
    static var rate: Kind { number("a number above 0, such as 20.0") { $0 > 0 } }

    /// A finite number within bounds, with a fraction or without.
    private static func number(_ bounds: String, isWithin: @escaping @Sendable (Double) -> Bool) -> Kind {
        let remedy = "write \(bounds), without quotes"
        return Kind(
            read: { (raw) throws(Refusal) in
                let number: Double
                switch raw {
                case .integer(let integer): number = Double(integer)
                case .number(let double): number = double
                case .variable(let text):
                    guard let double = Double(text) else {
                        throw Refusal("is not a number", remedy, value: text.quoted)
                    }
                    number = double
                default: throw raw.refusal(expected: "a number", remedy: remedy)
                }
                guard number.isFinite, isWithin(number) else {
                    throw Refusal("is out of bounds", remedy, value: "\(number)")
                }
                return number
            },
            write: { "\($0)" }
        )
    }
}
