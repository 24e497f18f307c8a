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
    /// The order number of the refund that was enqueued first.
    package var firstNumber: String?
    /// The order number of the refund that was enqueued last.
    package var lastNumber: String?
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
        guard let ends = members.ends else { return nil }
        self.prefix = prefix
        (firstNumber, first) = (ends.first.orderNo, ends.first.enqueued)
        (lastNumber, last) = (ends.last.orderNo, ends.last.enqueued)
        count = members.count
        callbackCount = members.count(where: \.hasCallback)
    }
}

extension Collection<RefundGroup.Member> {
    /// The members that were enqueued first and last, or have the lower and the higher number if that is the same time.
    fileprivate var ends: (first: Element, last: Element)? {
        func precedes(_ left: Element, _ right: Element) -> Bool {
            let (number, other) = (left.orderNo ?? "", right.orderNo ?? "")
            return (left.enqueued, number.utf8.count, number) < (right.enqueued, other.utf8.count, other)
        }
        guard let first = self.min(by: precedes), let last = self.max(by: precedes) else { return nil }
        return (first, last)
    }
}

extension RefundGroup {
    /// Groups refunds by their order numbers, so that those of one program, which numbers in its own way, are together.
    ///
    /// Numbers are split where they begin to differ. A group is whole once it is a run of consecutive numbers, or its
    /// numbers go on in many ways, none of them in the majority. So a run is found beside numbers that begin like it.
    ///
    /// - Parameter members: The refunds in any order.
    /// - Returns: The groups, the largest first.
    package static func grouping(_ members: [Member]) -> [RefundGroup] {
        var groups: [RefundGroup] = []
        if let unnumbered = RefundGroup(prefix: nil, members.filter { $0.orderNo == nil }) { groups.append(unnumbered) }
        let numbered = members.compactMap { member in member.orderNo.map { Numbered(Array($0.utf8), member) } }
            .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        // A group as small as this tells nothing more when it is split.
        let smallest = max(20, numbered.count / 50)
        var open = numbered.isEmpty ? [] : [numbered[...]]
        while let slice = open.popLast() {
            let length = slice.commonPrefix
            let parts = slice.count < smallest || slice.isRun(behind: length) ? [] : slice.parts(at: length)
            let largest = parts.map(\.count).max() ?? 0
            if !parts.isEmpty, parts.count <= 3 || largest * 2 > slice.count {
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

extension ArraySlice<RefundGroup.Numbered> {
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

    /// Whether the numbers differ in one counter alone, which leaves out no more values than it takes.
    fileprivate func isRun(behind length: Int) -> Bool {
        let suffix = commonSuffix(behind: length)
        var (least, greatest) = (UInt64.max, UInt64.min)
        for number in self {
            let counter = number.bytes.dropFirst(length).dropLast(suffix)
            if counter.isEmpty { continue }
            guard let value = UInt64(String(decoding: counter, as: UTF8.self)) else { return false }
            (least, greatest) = (Swift.min(least, value), Swift.max(greatest, value))
        }
        return greatest < least || greatest - least < UInt64(count) * 2
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
