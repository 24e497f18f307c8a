import Testing

@testable import RefundCore
@testable import RefundWebhooks

struct ReceiverTableTests {
    /// Returns why a webhook is refused, because of its URL or when connecting; nil if it is sent.
    private func refusal(of receiver: Receiver, _ allowHosts: [String]) throws -> String? {
        let policy = try ReceiverPolicy(allowHosts)
        if let problem = policy.problem(with: receiver.url) { return problem }
        let url = try HTTPURL(receiver.url)
        guard let text = receiver.resolvesTo else { return nil }
        return policy.refusal(of: try #require(IPAddress(text)), port: url.port, for: url)
    }

    @Test(arguments: Receiver.table)
    func receiverIsServedOnlyIfItsEntryAllowsIt(_ receiver: Receiver) throws {
        let everything = ["0.0.0.0/0", "::/0"] + [try? HTTPURL(receiver.url)].compactMap { $0?.host.asEntry }
        switch receiver.verdict {
        case .allowed:
            #expect(try refusal(of: receiver, []) == nil)
        case .under(let entries):
            #expect(try refusal(of: receiver, []) != nil)
            for entry in entries { #expect(try refusal(of: receiver, [entry]) == nil, "\(entry)") }
            #expect(try refusal(of: receiver, ["other.internal", "192.168.77.0/24", "fd77::/16"]) != nil)
        case .never(let words):
            for allowHosts in [[], everything] {
                let refusal = try refusal(of: receiver, allowHosts)
                #expect(refusal?.contains(words) == true, "\(refusal ?? "allowed")")
                #expect(refusal?.contains("password@") != true, "the message reveals a secret")
            }
        }
    }

    @Test func tableIsLong() {
        #expect(Receiver.table.count >= 60)
        #expect(Set(Receiver.table.map { "\($0.url) \($0.resolvesTo ?? "")" }).count == Receiver.table.count)
    }
}

extension Host {
    /// The host as an entry of `allow_hosts`; nil if no entry can name it.
    fileprivate var asEntry: String? {
        if case .address(let address) = self, address.unmapped != address { return nil }
        return description
    }
}
