/// The settings of a section, and how its keys fill them.
protocol Section: Sendable {
    /// The section's name in the file.
    static var sectionName: String { get }
    /// The settings of an empty section.
    static var defaults: Self { get }

    /// The keys of the section.
    static func settings(_ files: FileLocator) -> [Setting<Self>]
}

/// A key of a section: its name, what it takes and where that goes.
struct Setting<Settings: Section>: Sendable {
    let name: String
    /// The default in the file's own notation, or nil for a key that must be given.
    let defaultText: String?
    /// Reads a value into the settings.
    let apply: @Sendable (RawValue, inout Settings) throws(Refusal) -> Void

    /// Whether the key must be given.
    var isRequired: Bool { defaultText == nil }

    /// Creates the setting behind a key.
    ///
    /// - Parameters:
    ///   - name: The key's name.
    ///   - path: Where the value goes; what stands there by default is the key's default.
    ///   - kind: What the key takes.
    ///   - isRequired: Whether the key must be given.
    init<Value>(
        _ name: String,
        _ path: any WritableKeyPath<Settings, Value> & Sendable,
        _ kind: Kind<Value>,
        isRequired: Bool = false
    ) {
        self.name = name
        defaultText = isRequired ? nil : kind.write(Settings.defaults[keyPath: path])
        apply = { (raw, settings) throws(Refusal) in settings[keyPath: path] = try kind.read(raw) }
    }
}

/// What a key takes: how a value is read, and how a default is written.
struct Kind<Value: Sendable>: Sendable {
    let read: @Sendable (RawValue) throws(Refusal) -> Value
    let write: @Sendable (Value) -> String
}
