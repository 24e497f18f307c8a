/// A gateway's protocol: everything that refundd must know to query a gateway and to check what it answered.
///
/// Each protocol is a module of its own, and the composition root lists them all.
package protocol GatewayProtocol: Sendable {
    /// The value of the key `protocol` that selects it.
    var name: String { get }

    /// Whether a public key verifies its answers, and not a shared secret, which proves nothing to others.
    var hasPublicKeys: Bool { get }

    /// How far this machine's clock may be from a gateway's before that refuses queries; nil if it ignores their time.
    var clockWindow: Duration? { get }

    /// Reads the keys of a gateway and checks its settings.
    ///
    /// - Parameters:
    ///   - settings: The gateway's section of the configuration.
    ///   - section: The section's name in messages, such as `gateway`.
    ///   - credentials: Reads the files that the section names, and collects the section's problems.
    /// - Returns: The gateway's account, or nil if there is a problem.
    func account(
        _ settings: GatewaySettings,
        section: String,
        _ credentials: inout some CredentialReading
    ) -> (any GatewayAccount)?

    /// Reads the keys that verify stored answers.
    ///
    /// - Parameters:
    ///   - files: The files with the gateway's public keys, or with the shared secret, and for messages the configuration's key or the command's
    ///     option that names each.
    ///   - credentials: Reads the files, and collects their problems.
    /// - Returns: The verifier, with the keys that could be read.
    func verifier(
        publicKeyFiles files: [(path: String, key: String)],
        _ credentials: inout some CredentialReading
    ) -> any AnswerVerifying

    /// Recognises a mistake behind the failure of a query.
    ///
    /// - Parameters:
    ///   - problem: Why the query failed: ``QueryOutcome/problem``, or the code or message of an incident.
    ///   - gateway: The gateway's name.
    ///   - settings: Its section of the configuration, with the files that an operator replaces; nil if that is unknown.
    /// - Returns: The mistake with what ends it; nil if the problem betrays none.
    func remedy(for problem: String, of gateway: String, _ settings: GatewaySettings?) -> GatewayRemedy?
}

/// A mistake between refundd and a gateway, and what ends it.
package struct GatewayRemedy: Hashable, Sendable {
    /// The mistake, in one sentence with what to do.
    package let cause: String
    /// The command that helps; nil if the daemon must read its keys again.
    package let command: String?
    /// The key that may be the wrong one; nil if no key is.
    package let suspect: Suspect?

    /// The keys that may be wrong.
    package enum Suspect: Sendable {
        /// The private key that signs our queries.
        case ourKey
        /// A public key that verifies the gateway's answers.
        case gatewayKey
    }

    /// Creates a remedy.
    package init(cause: String, command: String? = nil, suspect: Suspect? = nil) {
        self.cause = cause
        self.command = command
        self.suspect = suspect
    }
}

/// Reads files that the configuration names, and collects every problem.
package protocol CredentialReading {
    /// Reads a file; checks its content even if its protection has a problem.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - key: The key that names it, such as `gateway.private_key_file`.
    ///   - need: The protection that it needs.
    ///   - parse: Parses its content; an error must not quote the content.
    /// - Returns: The value, or nil if it could not be read.
    mutating func read<Value>(
        _ path: String,
        key: String,
        _ need: CredentialNeed,
        _ parse: ([UInt8]) throws -> Value
    ) -> Value?

    /// Records a problem of a key's value.
    mutating func report(_ problem: String, key: String, value: String)
}

/// The protection that a file needs from other users.
package enum CredentialNeed: Sendable {
    /// Others must not read or write it: a private key or a secret.
    case secrecy
    /// Others must not write it: anyone who can change the gateway's public key can forge its answers.
    case integrity
}

/// A gateway with its keys, ready to be queried.
package protocol GatewayAccount: Sendable {
    /// The exact address that queries are sent to.
    var address: String { get }
    /// The fingerprint of the public half of the key that signs queries; nil if the protocol has none.
    var signingKey: String? { get }
    /// The fingerprints of the keys that verify answers; nobody sees that of a shared secret.
    var verifyingKeys: [String] { get }

    /// Creates a client without connecting yet.
    ///
    /// - Parameter name: The name of the client's thread.
    /// - Returns: The client, with connections of its own.
    /// - Throws: Any error of the system that leaves no client.
    func connect(name: String) throws -> GatewayConnection
}

/// A client that queries a gateway, with connections of its own.
package struct GatewayConnection: Sendable {
    /// The client.
    package let client: any GatewayQuerying
    /// Closes every connection and waits for the client's threads; work in flight ends as interrupted.
    package let shutDown: @Sendable () -> Void

    /// Creates a connection.
    package init(client: any GatewayQuerying, shutDown: @escaping @Sendable () -> Void) {
        self.client = client
        self.shutDown = shutDown
    }
}

/// Queries one gateway: signs, sends, verifies, and interprets the answer.
package protocol GatewayQuerying: Sendable {
    /// Sends a query.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - now: The time of the query, which is signed.
    ///   - isProbe: Whether the query probes a gateway that failed; a probe uses a fresh connection.
    ///   - completion: Called once, on any thread.
    func query(
        _ query: RefundQuery,
        at now: Timestamp,
        isProbe: Bool,
        completion: @escaping @Sendable (QueryAttempt) -> Void
    )
}

/// Verifies stored answers again, and reads them.
package protocol AnswerVerifying: Sendable {
    /// Reads an answer that the gateway gave long ago, from whichever merchant and application.
    ///
    /// - Parameters:
    ///   - answer: The exact bytes.
    ///   - query: The query about the refund that they answered.
    /// - Returns: The outcome; a report or an unknown order only if the signature verifies.
    func outcome(of answer: [UInt8], for query: RefundQuery) -> QueryOutcome

    /// Takes a signed answer apart, so that another program can verify it.
    ///
    /// - Returns: Its parts; nil if no key verifies it, or if only a secret key could.
    func proof(in answer: [UInt8]) -> AnswerProof?
}

/// The parts of a signed answer that `openssl dgst` needs to verify it.
package struct AnswerProof: Hashable, Sendable {
    /// The bytes that the signature covers.
    package let signed: [UInt8]
    /// The signature.
    package let signature: [UInt8]
    /// The public key that verifies it, in PEM.
    package let publicKey: String
    /// How the protocol signs, for people.
    package let scheme: SignatureScheme

    /// Creates a proof.
    package init(signed: [UInt8], signature: [UInt8], publicKey: String, scheme: SignatureScheme) {
        self.signed = signed
        self.signature = signature
        self.publicKey = publicKey
        self.scheme = scheme
    }
}

/// How a protocol signs its answers, described so that people can check it.
package struct SignatureScheme: Hashable, Sendable {
    /// The algorithm's name.
    package let name: String
    /// The digest, as `openssl dgst` names it.
    package let digest: String
    /// What the signature covers, in one phrase.
    package let signed: String
    /// Where the answer has the signature, in one phrase.
    package let signature: String

    /// Creates a description.
    package init(name: String, digest: String, signed: String, signature: String) {
        self.name = name
        self.digest = digest
        self.signed = signed
        self.signature = signature
    }
}
