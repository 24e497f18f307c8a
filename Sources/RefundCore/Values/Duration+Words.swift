extension Duration {
    /// The duration as the configuration writes it, in the largest unit that fits it whole: `72h`, `90s`, `250ms`.
    package var inWords: String {
        let milliseconds = wholeMilliseconds
        for (unit, size) in [("d", 86_400_000 as Int64), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)]
        where milliseconds != 0 && milliseconds % size == 0 && (unit != "d" || milliseconds >= 7 * size) {
            return "\(milliseconds / size)\(unit)"
        }
        return "\(milliseconds)ms"
    }
}
