/// Something that is counted or measured under one name and one set of labels.
protocol Instrument: AnyObject, Sendable {
    /// What kind of family the instrument belongs to.
    static var kind: MetricKind { get }

    /// Creates an instrument that has seen nothing yet.
    init()

    /// Its lines in the exposition.
    func samples(name: String, labels: String) -> String
}

/// The kinds of metric refundd shows, spelt as a `# TYPE` line spells them.
enum MetricKind: String {
    case counter
    case gauge
    case histogram
}

/// The instruments of one name, by their labels.
struct MetricFamily {
    let kind: MetricKind
    var instruments: [String: any Instrument] = [:]

    /// The family's part of the exposition, its instruments in the order of their labels.
    func text(name: String, help: String?) -> String {
        var text = help.map { "# HELP \(name) \(PrometheusText.help($0))\n" } ?? ""
        text += "# TYPE \(name) \(kind.rawValue)\n"
        for (labels, instrument) in instruments.sorted(by: { $0.key < $1.key }) {
            text += instrument.samples(name: name, labels: labels)
        }
        return text
    }
}
