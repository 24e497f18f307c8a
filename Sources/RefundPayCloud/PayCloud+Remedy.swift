package import RefundCore

extension PayCloud {
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
                cause: "gateway \(gateway) signs with another key than \(name); save the key from its portal\(place)"
            )
        }
        guard problem.contains(AnswerCode.wrongSignature), let settings else { return nil }
        return GatewayRemedy(
            cause: "gateway \(gateway) refuses our signature: the portal has another public key for app_id"
                + " \(settings.appID) than this one",
            command: "openssl pkey -in \(settings.privateKeyFile.asShellWord) -pubout"
        )
    }
}
