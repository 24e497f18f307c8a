extension Duration {
    /// This duration in whole milliseconds as libcurl and `poll` take it: rounded up, at least 1, at most some 24 days.
    ///
    /// Zero would mean "no timeout" to libcurl.
    var wholeMillisecondsForCurl: Int {
        let longest = Int(Int32.max)
        guard self < .milliseconds(longest) else { return longest }
        guard self > .milliseconds(1) else { return 1 }
        let (seconds, attoseconds) = components
        return Int(seconds) * 1_000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
