extension Kind where Value == String {
    /// The name of a file, read as its absolute path.
    ///
    /// A refused name is never shown, since it may be the secret that should have been in the file.
    ///
    /// - Parameters:
    ///   - files: Where files are.
    ///   - isCredential: Whether a bare name is looked for among the credentials first. The database is none: refundd
    ///     writes to it, and credentials cannot be written to.
    ///   - example: A name.
    /// - Returns: The kind.
    static func file(_ files: FileLocator, isCredential: Bool = true, example: String) -> Kind {
        .text(
            "a file name",
            example: example,
            show: { $0.isEmpty ? $0.quoted : nil },
            read: { (text) throws(Refusal) in
                guard !text.isEmpty else { throw Refusal("is empty", "name a file, such as \"\(example)\"") }
                guard !isContent(text) else {
                    throw Refusal("is a key or a secret itself", "put it into a file and name the file")
                }
                guard !text.hasControlCharacter else {
                    throw Refusal("has a control character", "name a file, such as \"\(example)\"")
                }
                guard !text.hasSuffix("/") else {
                    throw Refusal("names a folder", "name a file in it, such as \"\(example)\"")
                }
                return files.path(of: text, isCredential: isCredential)
            },
            write: { $0 }
        )
    }

    /// Whether a text is what belongs into the file: PEM, the base64 of a key, or a webhook secret.
    private static func isContent(_ text: String) -> Bool {
        // The base64 of every RSA key begins so, and a webhook secret has 24 bytes or more.
        text.hasPrefix("-----BEGIN") || (text.hasPrefix("MI") && text.utf8.count > 100)
            || (text.hasPrefix("whsec_") && text.utf8.count >= 38)
    }
}
