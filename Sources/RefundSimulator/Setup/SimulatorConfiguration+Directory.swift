import RefundConfiguration
import RefundCore

extension SimulatorConfiguration {
    /// Creates the configuration that a directory describes.
    ///
    /// Port, scheme and `app_id` are those of `refundd.conf` in the directory, as long as that names a loopback address;
    /// so both sides fit together also after the file was edited. `scenarios.toml` is used where there is one.
    ///
    /// - Parameters:
    ///   - directory: What ``SimulatorDirectory/write(port:usesTLS:replacesFiles:)`` wrote.
    ///   - usesTLS: Whether to serve HTTPS; nil for what `refundd.conf` says.
    ///   - scenarioFile: Another scenario file.
    /// - Throws: When a key, certificate or scenario is missing or wrong.
    package init(directory: SimulatorDirectory, usesTLS: Bool? = nil, scenarioFile: String? = nil) throws {
        self.init(keys: try SimulatorKeys(directory: directory))
        let client = ClientSettings(file: directory.file("refundd.conf"))
        if let appID = client.appID { self.appID = appID }
        if let port = client.port { self.port = port }
        if usesTLS ?? client.usesTLS {
            identity = Identity(
                certificate: String(decoding: try directory.read("server.pem"), as: UTF8.self),
                privateKey: String(decoding: try directory.read("server_key.pem"), as: UTF8.self)
            )
        }
        let standardFile = directory.file("scenarios.toml")
        if let file = scenarioFile ?? (LocalFile.exists(standardFile) ? standardFile : nil) {
            scenarios = try ScenarioBook(path: file)
        }
    }
}

/// The gateway in a `refundd.conf`; refundd itself reports whatever is wrong with the file.
private struct ClientSettings {
    var appID: String?
    var port: Int?
    var usesTLS = true

    init(file: String) {
        guard let configuration = try? Configuration.load(file: file, environment: [:]),
            let gateway = configuration.gateways[Configuration.defaultGateway]
        else { return }
        appID = gateway.appID
        guard let url = try? HTTPURL(gateway.url), url.host.isLoopback else { return }
        port = Int(url.port)
        usesTLS = url.scheme == .https
    }
}
