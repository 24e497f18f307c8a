package import RefundCore

extension PayCloud {
    private static let appIDMember = "app_id"

    package func remedy(
        for problem: String,
        of gateway: String,
        _ settings: GatewaySettings?
    ) -> GatewayRemedy? {
        if problem.contains(GatewayAnswer.foreignKey) {
            let file = settings?.publicKeyFiles.last
            let name = file?.fileName ?? "public_key_files"
            let place = file.map { " as \($0)" } ?? ""
            return GatewayRemedy(
                cause: "gateway \(gateway) signs with another key than \(name); save the key from its portal\(place)",
                suspect: .gatewayKey
            )
        }
        guard let settings else { return nil }
        // No code for it is documented, but the message names the member.
        if problem.contains(Self.appIDMember) {
            return GatewayRemedy(
                cause: "gateway \(gateway) does not know app_id \(settings.appID); compare it with the portal, and"
                    + " correct it in the configuration"
            )
        }
        guard problem.contains(AnswerCode.wrongSignature) else { return nil }
        return GatewayRemedy(
            cause: "gateway \(gateway) refuses our signature: the portal has another public key for app_id"
                + " \(settings.appID) than this one",
            command: "openssl pkey -in \(settings.privateKeyFile.asShellWord) -pubout",
            suspect: .ourKey
        )
    }
}
