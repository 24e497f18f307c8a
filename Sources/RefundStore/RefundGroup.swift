package import RefundCore

/// Refunds whose order numbers begin alike.
package struct RefundGroup: Hashable, Sendable {
    /// What an order number tells, and what abandoning its refund sends.
    package struct Member: Sendable {
        /// The order number; nil for a refund without one.
        package var orderNo: String?
        /// Whether it names a URL for its webhooks.
        package var hasCallback = false
        /// When it was enqueued.
        package var enqueued: Timestamp

        /// Creates a member.
        package init(orderNo: String?, hasCallback: Bool = false, enqueued: Timestamp) {
            self.orderNo = orderNo
            self.hasCallback = hasCallback
            self.enqueued = enqueued
        }
    }

    /// How every order number of the group begins; nil for refunds without an order number.
    package var prefix: String?
    /// The lowest order number: the shorter one, or the first in order.
    package var lowestNumber: String?
    /// The highest order number.
    package var highestNumber: String?
    /// How many refunds there are.
    package var count = 0
    /// How many of them name a URL for their webhooks.
    package var callbackCount = 0
    /// When the first one was enqueued.
    package var first: Timestamp
    /// When the last one was enqueued.
    package var last: Timestamp

    /// Creates a group of refunds; nil without any.
    init?(prefix: String?, _ members: some Collection<Member>) {
        let (numbers, times) = (members.compactMap(\.orderNo), members.map(\.enqueued))
        guard let first = times.min(), let last = times.max() else { return nil }
        func precedes(_ left: String, _ right: String) -> Bool {
            (left.utf8.count, left) < (right.utf8.count, right)
        }
        self.prefix = prefix
        (lowestNumber, highestNumber) = (numbers.min(by: precedes), numbers.max(by: precedes))
        (self.first, self.last) = (first, last)
        count = members.count
        callbackCount = members.count(where: \.hasCallback)
    }
}

extension RefundGroup {
    /// Groups refunds by their order numbers, so that those of one program, which numbers in its own way, are together.
    ///
    /// Numbers are split where they begin to differ, until a group is one run of consecutive numbers. Numbers that are
    /// not consecutive, such as random ones, stay together where they go on in many ways, none of them in the majority.
    ///
    /// - Parameter members: The refunds in any order.
    /// - Returns: The groups, the largest first.
    package static func grouping(_ members: [Member]) -> [RefundGroup] {
        var groups: [RefundGroup] = []
        if let unnumbered = RefundGroup(prefix: nil, members.filter { $0.orderNo == nil }) { groups.append(unnumbered) }
        let numbered = members.compactMap { member in member.orderNo.map { Numbered(Array($0.utf8), member) } }
            .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        // A group as small as this tells nothing more when it is split, unless it has several runs.
        let smallest = max(20, numbered.count / 50)
        var open = numbered.isEmpty ? [] : [numbered[...]]
        while let slice = open.popLast() {
            let length = slice.commonPrefix
            let counters = slice.counters(behind: length)
            let hasRuns = counters.contains(where: \.isMostlyConsecutive)
            let mayBeSplit = !counters.contains(where: \.isRun) && (hasRuns || slice.count >= smallest)
            let parts = mayBeSplit ? slice.parts(at: length) : []
            let largest = parts.map(\.count).max() ?? 0
            if !parts.isEmpty, hasRuns || parts.count <= 3 || largest * 2 > slice.count {
                open += parts
            } else if let group = RefundGroup(prefix: slice.text(to: length), slice.map(\.member)) {
                groups.append(group)
            }
        }
        return groups.sorted { ($1.count, $0.prefix ?? "") < ($0.count, $1.prefix ?? "") }
    }

    fileprivate struct Numbered {
        let bytes: [UInt8]
        let member: Member

        init(_ bytes: [UInt8], _ member: Member) {
            self.bytes = bytes
            self.member = member
        }
    }
}

/// What a counter took, in ascending order.
extension [UInt64] {
    // The longest step between neighbours in a run.
    private static let longestStep: UInt64 = 20

    /// Whether most values are taken, and few in a row are left out.
    fileprivate var isRun: Bool {
        guard let first, let last else { return true }
        return last - first < UInt64(count) * 2 && zip(self, dropFirst()).allSatisfy { $1 - $0 <= Self.longestStep }
    }

    /// Whether most values follow the one before, as in one run or in several.
    fileprivate var isMostlyConsecutive: Bool { zip(self, dropFirst()).count { $1 - $0 <= 2 } * 2 > count }
}

extension ArraySlice<RefundGroup.Numbered> {
    // As many digits as fit into a value beside those that differ.
    private static let sharedDigits = 9

    // The numbers are sorted, so what the first and the last one share is shared by all.
    fileprivate var commonPrefix: Int {
        guard let first, let last else { return 0 }
        return zip(first.bytes, last.bytes).prefix { $0 == $1 }.count
    }

    private func commonSuffix(behind length: Int) -> Int {
        guard let first else { return 0 }
        var suffix = first.bytes.dropFirst(length)
        for number in self {
            let shared = zip(suffix.reversed(), number.bytes.dropFirst(length).reversed()).prefix { $0 == $1 }.count
            suffix = suffix.suffix(shared)
        }
        return suffix.count
    }

    /// The values of the counter in which alone the numbers differ, in each of the two ways to count; none without one.
    ///
    /// Without zeros in front, 9 is followed by 10. Numbers that share the digit 2 leave out 3 to 19: there, 2 is followed
    /// by 20, and 29 by 200.
    ///
    /// - Parameter length: How many bytes all of them share.
    /// - Returns: The values, in ascending order.
    fileprivate func counters(behind length: Int) -> [[UInt64]] {
        let suffix = commonSuffix(behind: length)
        let shared = first?.bytes.prefix(length).suffix(Self.sharedDigits).reversed().prefix { $0.isDigit }.count ?? 0
        var (values, ranks): ([UInt64], [UInt64]) = ([], [])
        var (widths, hasZeros): (Set<Int>, Bool) = ([], false)
        for number in self {
            let counter = number.bytes.dropFirst(length).dropLast(suffix)
            guard counter.count < 19, counter.allSatisfy(\.isDigit) else { return [] }
            let digits = number.bytes[(length - shared)..<(length + counter.count)]
            guard let value = UInt64(digits: digits), let rest = UInt64(digits: counter) else { return [] }
            if !digits.isEmpty { values.append(value) }
            // As many values as there are with fewer digits.
            ranks.append(rest + counter.indices.reduce(0) { sum, _ in sum * 10 + 1 })
            widths.insert(digits.count)
            hasZeros = hasZeros || digits.count > 1 && digits.first == UInt8(ascii: "0")
        }
        return (widths.count > 1 && hasZeros ? [] : [values.sorted()]) + [ranks.sorted()]
    }

    /// Splits them by the byte at a place; a number that ends there is a part of its own.
    fileprivate func parts(at place: Int) -> [Self] {
        var parts: [Self] = []
        var start = startIndex
        for index in indices where byte(at: place, of: index) != byte(at: place, of: start) {
            parts.append(self[start..<index])
            start = index
        }
        parts.append(self[start...])
        return parts.count > 1 ? parts : []
    }

    private func byte(at place: Int, of index: Int) -> UInt8? {
        let bytes = self[index].bytes
        return place < bytes.count ? bytes[place] : nil
    }

    /// The beginning that all share, up to the last whole character.
    fileprivate func text(to length: Int) -> String {
        var bytes = first?.bytes.prefix(length) ?? []
        while true {
            if let text = String(validating: bytes, as: UTF8.self) { return text }
            bytes = bytes.dropLast()
        }
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}

extension UInt64 {
    /// The value of decimal digits, 0 without any; nil if it is too large.
    fileprivate init?(digits: ArraySlice<UInt8>) {
        guard let value = digits.isEmpty ? 0 : UInt64(String(decoding: digits, as: UTF8.self)) else { return nil }
        self = value
    }
}
