import ArgumentParser
import Foundation
import RefundConfiguration
import RefundDaemon

/// The options of commands for the developers of webhook receivers.
struct ReceiverOptions: ParsableArguments {
    @OptionGroup var common: CommonOptions

    @Option(
        help: "A file with a whsec_ secret to use instead of the configured ones; may be given more than once.",
        completion: .file()
    )
    var secretFile: [String] = []

    /// Reads settings and secrets; with a secret file, no configuration is needed.
    func trial() throws(CommandFailure) -> ReceiverTrial {
        let isNamed = common.config != nil || common.environment["REFUNDD_CONFIG"] != nil
        return try ReceiverTrial(
            file: common.file,
            mayBeMissing: !isNamed,
            secretFiles: secretFile,
            environment: common.environment
        )
    }
}
