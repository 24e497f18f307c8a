/// One thing that is wrong with the configuration: where it stands, what is wrong and what to change.
package struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A place in the configuration file.
    package struct Position: Hashable, Sendable {
        /// The line, from 1.
        package var line: Int
        /// The column, from 1; nil where the whole line is meant.
        package var column: Int?

        /// Creates a place.
        package init(line: Int, column: Int? = nil) {
            self.line = line
            self.column = column
        }
    }

    /// The configuration file.
    package var file: String
    /// The environment variable at fault, where it is not the file.
    package var variable: String?
    /// Where the file cannot be read as TOML.
    package var position: Position?
    /// The key or section, such as `gateway.url`.
    package var key: String?
    /// The value in the file's own notation, shortened; nil where there is none or it might be a secret.
    package var value: String?
    /// What is wrong, as the end of a sentence that begins with the key or the file.
    package var problem: String
    /// What to change.
    package var remedy: String

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - file: The configuration file.
    ///   - variable: The environment variable at fault, where it is not the file.
    ///   - position: Where the file cannot be read as TOML.
    ///   - key: The key or section, such as `gateway.url`.
    ///   - value: The value as it may be shown, never a secret.
    ///   - problem: What is wrong, as the end of a sentence that begins with the key or the file.
    ///   - remedy: What to change.
    package init(
        file: String,
        variable: String? = nil,
        position: Position? = nil,
        key: String? = nil,
        value: String? = nil,
        problem: String,
        remedy: String
    ) {
        self.file = file
        self.variable = variable
        self.position = position
        self.key = key
        self.value = value
        self.problem = problem
        self.remedy = remedy
    }

    /// One line that says where, what is wrong and what to change.
    package var description: String {
        var place = file
        if let variable {
            place = "environment variable \(variable)"
        } else if let position {
            place += ":\(position.line)" + (position.column.map { ":\($0)" } ?? "")
        }
        guard let key else { return "\(place): \(problem); \(remedy)" }
        let subject = value.map { "\(key) = \($0)" } ?? key
        return "\(place): \(subject) \(problem); \(remedy)"
    }
}

/// Everything that is wrong with the configuration.
package struct ConfigurationProblems: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, at least one thing, in the order of the sections.
    package var errors: [ConfigurationError]

    /// Creates the sum of some errors.
    package init(errors: [ConfigurationError]) {
        self.errors = errors
    }

    /// One line for each thing that is wrong.
    package var description: String {
        errors.map(\.description).joined(separator: "\n")
    }
}
