import RefundConfiguration
import RefundCore
import RefundWebhooks

/// The webhook settings and secrets with which a receiver is tried.
package struct ReceiverTrial: Sendable {
    /// The `[webhook]` section.
    let webhook: WebhookSettings
    /// The secrets to use, in their order.
    let secrets: [NamedSecret]
    /// The configured secrets that others take the place of, to explain mistakes.
    let otherSecrets: [NamedSecret]

    /// Reads the settings and secrets.
    ///
    /// - Parameters:
    ///   - file: The configuration file.
    ///   - mayBeMissing: Whether the defaults will do if there is no such file; only with secrets from other files.
    ///   - secretFiles: Files to use in the place of `[webhook] secret_files`; empty for the configured ones.
    ///   - environment: The process's environment.
    /// - Throws: `CommandFailure` with every problem.
    package init(
        file: String,
        mayBeMissing: Bool,
        secretFiles: [String],
        environment: [String: String]
    ) throws(CommandFailure) {
        let known: WebhookConfiguration
        do throws(ConfigurationError) {
            known = try WebhookConfiguration(
                file: file,
                mayBeMissing: mayBeMissing && !secretFiles.isEmpty,
                environment: environment
            )
        } catch {
            throw CommandFailure(error)
        }
        try ProcessMemory.hide()
        webhook = known.webhook
        var loader = CredentialLoader(isForDaemon: false)
        let given = Self.secrets(secretFiles, key: "--secret-file", &loader)
        let problemCount = secretFiles.isEmpty ? 0 : loader.problems.count
        let configured = Self.secrets(webhook.secretFiles, key: "webhook.secret_files", &loader)
        // Configured secrets only help to explain if others are given, and may be out of reach.
        let problems = secretFiles.isEmpty ? loader.problems[...] : loader.problems.prefix(problemCount)
        guard problems.isEmpty else {
            var messages = problems.map(\.description)
            if problems.contains(where: \.isMissingFile) {
                messages += ConfigurationLoader.missingFileHint(known.file, environment)
            }
            throw CommandFailure(.configuration, messages)
        }
        secrets = secretFiles.isEmpty ? configured : given
        otherSecrets = secretFiles.isEmpty ? [] : configured
        guard !secrets.isEmpty else {
            let problem = "no webhook secret is configured; set [webhook] secret_files, or give --secret-file"
            throw CommandFailure(.configuration, ["\(known.file): \(problem)"])
        }
    }

    private static func secrets(_ files: [String], key: String, _ loader: inout CredentialLoader) -> [NamedSecret] {
        files.compactMap { file in
            loader.read(file, key: key, .secrecy) { bytes in
                NamedSecret(name: file, try WebhookSecret(String(decoding: bytes, as: UTF8.self)))
            }
        }
    }
}
