import Foundation
import RefundCore

/// How a refund's payment was made, which decides when the refund settles.
enum PaymentKind: String, CaseIterable {
    case wallet
    case card
    case bank
}

/// A refund with the time at which the gateway would first report its verdict.
///
/// The mix is an assumption: it is made of what payment providers tell merchants to expect, and of shapes that fit it. How
/// many refunds are of which kind differs from shop to shop; the figures of one kind hold for any shares.
struct SimulatedRefund {
    /// A Monday, 00:00.
    static let start = Timestamp(milliseconds: 0)
    /// Whole weeks, so that the load of one month after another can be had by folding.
    static let days = 28
    /// How many of 1,000 refunds of any kind get no verdict, until a person ends them after a month.
    static let withoutVerdict = 5

    let kind: PaymentKind
    let enqueuedAt: Timestamp
    /// Nil for a refund that gets no verdict.
    let settledAt: Timestamp?

    init(using random: inout SplitMix64) {
        let day = Int.random(in: 0..<Self.days, using: &random)
        // A shop's day, busiest in the afternoon.
        let hour = Double.random(in: 8...15, using: &random) + Double.random(in: 0...7, using: &random)
        let enqueuedAt = Self.time(day: day, hour: hour)
        self.enqueuedAt = enqueuedAt
        let hasVerdict = Int.random(in: 0..<1_000, using: &random) >= Self.withoutVerdict
        let verdictAt: Timestamp
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<50:
            kind = .wallet
            // WeChat Pay: to a balance in general within 5 minutes, or within 20. Here 95 % and 99.6 % are that fast.
            // https://pay.weixin.qq.com/docs/merchant/apis/weixin-pay-score/refunds/query-by-out-refund-no.html
            // https://pay.weixin.qq.com/wiki/doc/api/wxpay/en/pay/QuickPay/chapter8_5.shtml
            verdictAt = enqueuedAt.advanced(by: .seconds(30).scaled(by: random.logNormal(spread: 1.4)))
        case 50..<60:
            kind = .card
            // Where nothing was captured yet, a refund only reverses an authorisation, which takes seconds.
            verdictAt = enqueuedAt.advanced(by: .seconds(8).scaled(by: random.logNormal(spread: 0.7)))
        case 60..<90:
            kind = .card
            // WeChat Pay, same pages: to a card in 1 to 3 working days; early in the day, as results of a nightly batch.
            let batch = Self.workday([1, 1, 1, 1, 1, 2, 2, 2, 3, 3].randomElement(using: &random) ?? 1, after: day)
            verdictAt = Self.time(day: batch, hour: Double.random(in: 2...6, using: &random))
        default:
            kind = .bank
            // Razorpay: by net banking in 2 to 10 days, here working days, and at a bank's hours.
            // https://razorpay.com/docs/payments/refunds/normal/
            let last = Self.workday(Int.random(in: 2...10, using: &random), after: day)
            verdictAt = Self.time(day: last, hour: Double.random(in: 8...18, using: &random))
        }
        settledAt = hasVerdict ? verdictAt : nil
    }

    private static func time(day: Int, hour: Double) -> Timestamp {
        start.advanced(by: .seconds(3_600).scaled(by: Double(day * 24) + hour))
    }

    private static func workday(_ count: Int, after day: Int) -> Int {
        var (day, left) = (day, count)
        while left > 0 {
            day += 1
            // The first five of each week.
            if day % 7 < 5 { left -= 1 }
        }
        return day
    }
}

extension SplitMix64 {
    /// A factor around 1, its median, whose logarithm is normally distributed.
    fileprivate mutating func logNormal(spread: Double) -> Double {
        // Box and Muller's way to a normal draw.
        let radius = sqrt(-2 * log(1 - Double.random(in: 0..<1, using: &self)))
        return exp(spread * radius * cos(2 * .pi * Double.random(in: 0..<1, using: &self)))
    }
}
