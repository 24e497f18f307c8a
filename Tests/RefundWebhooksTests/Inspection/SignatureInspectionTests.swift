import RefundCore
import RefundCrypto
import Testing

@testable import RefundWebhooks

/// How a webhook is verified, and what is said about one that is not genuine.
struct SignatureInspectionTests {
    private static let now = Timestamp(milliseconds: 1_795_316_646_000)
    private static let seconds = "1795316646"
    private static let digits = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private static let otherDigits = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    private static let body = SampleEvent.body(.failed, at: now)
        .replacing(#""reason":null"#, with: #""reason":"返金 / a\nb""#)

    private static func key(_ digits: String = digits) -> [UInt8] { Base64.decoded(digits) ?? [] }

    private static func secret(_ name: String, _ digits: String = digits) throws -> NamedSecret {
        NamedSecret(name: name, try WebhookSecret("whsec_\(digits)"))
    }

    private static func code(_ content: String, _ key: [UInt8] = key()) -> [UInt8] {
        HMACSHA256.code(for: Array(content.utf8), key: key)
    }

    private static func signature(_ content: String = "msg_1.\(seconds).\(body)", _ key: [UInt8] = key()) -> String {
        "v1," + Base64.encoded(code(content, key))
    }

    private func problems(
        _ signature: String? = signature(),
        id: String? = "msg_1",
        timestamp: String? = seconds,
        body: String = body
    ) throws -> [SignatureProblem] {
        let webhook = CapturedWebhook(id: id, timestamp: timestamp, signature: signature, body: Array(body.utf8))
        let inspection = SignatureInspection(
            webhook,
            [try Self.secret("mine")],
            others: [try Self.secret("theirs", Self.otherDigits)],
            at: Self.now
        )
        #expect(inspection.isGenuine == (inspection.signer == "mine" && inspection.problems.isEmpty))
        return inspection.problems
    }

    @Test func whatTheSenderSignsIsGenuine() throws {
        #expect(try problems() == [])
        #expect(try problems(" \(Self.signature("x")) v1a,abc \(Self.signature()) ") == [])
    }

    @Test func missingHeadersAreNamed() throws {
        #expect(try problems(nil) == [.missingHeader("webhook-signature")])
        #expect(
            try problems("", id: nil, timestamp: " ")
                == ["webhook-id", "webhook-timestamp", "webhook-signature"].map { .missingHeader($0) }
        )
    }

    @Test func timestampMustBeRecentSeconds() throws {
        func problems(of timestamp: String) throws -> [SignatureProblem] {
            try self.problems(Self.signature("msg_1.\(timestamp).\(Self.body)"), timestamp: timestamp)
        }
        #expect(try problems(of: "1795316346") == [], "five minutes")
        #expect(try problems(of: "1795316345") == [.timestampOutOfTolerance(.seconds(301))])
        #expect(try problems(of: "1795316947") == [.timestampOutOfTolerance(.seconds(-301))])
        #expect(try problems(of: "1795316646000") == [.timestampInMilliseconds])
        for text in ["2026-11-22", "-1", "99999999999999999999"] {
            #expect(try problems(of: text) == [.timestampIsNoNumber])
        }
        let late = try #require(try problems(of: "1795309446").first?.description)
        #expect(late.contains("2h old") && late.contains("allow 5m"), "\(late)")
    }

    @Test func headerInMillisecondsIsTriedInSeconds() throws {
        #expect(
            try problems(timestamp: Self.seconds + "000")
                == [.timestampInMilliseconds, .mistakes([.millisecondsInHeader])]
        )
    }

    @Test(arguments: [
        ("whsec_\(digits)", SignatureMistake.secretWithPrefix), ("whsec_\(digits)\n", .secretWithPrefix),
        (digits, .secretNotDecoded),
    ])
    func wrongUseOfTheSecretIsNamed(key: String, mistake: SignatureMistake) throws {
        let signature = Self.signature("msg_1.\(Self.seconds).\(Self.body)", Array(key.utf8))
        #expect(try problems(signature) == [.mistakes([mistake])])
    }

    @Test func secretDecodedWithItsPrefixIsNamed() throws {
        // As Node.js's Buffer.from("whsec_…", "base64") does.
        let decoded = Self.key("whsec/\(Self.digits)A=").dropLast()
        let signature = Self.signature("msg_1.\(Self.seconds).\(Self.body)", Array(decoded))
        #expect(try problems(signature) == [.mistakes([.prefixDecodedToo])])
    }

    @Test(arguments: [
        ("\(seconds).\(body)", SignatureMistake.idLeftOut), ("msg_1.\(body)", .timestampLeftOut),
        (body, .onlyBodySigned), ("msg_1.\(seconds).", .emptyBody),
    ])
    func wrongContentIsNamed(content: String, mistake: SignatureMistake) throws {
        #expect(try problems(Self.signature(content)) == [.mistakes([mistake])])
    }

    /// How a receiver's framework may have changed the body.
    @Test(arguments: [
        (body + "\n", SignatureMistake.lineBreakAdded), (body + "\r\n", .lineBreakAdded),
        ("\u{FEFF}" + body, .byteOrderMark),
        (body.replacing(#"":"#, with: #"": "#).replacing(#","#, with: ", "), .reserialized),
        (body.replacing("/", with: "\\/"), .reserialized),
        (body.replacing("返金", with: "\\u8fd4\\u91d1"), .reserialized),
        (body.replacing("\\n", with: "\\u000a"), .reserialized),
        (
            body.replacing(#"{"type":"refund.failed","#, with: "{").dropLast() + #","type":"refund.failed"}"#,
            .reserialized
        ),
    ])
    func bodyThatWasChangedAfterSigningIsRecognised(arrived: String, mistake: SignatureMistake) throws {
        #expect(try problems(body: arrived) == [.mistakes([mistake])])
    }

    /// What somebody else signed in the place of the body.
    @Test(arguments: [
        ("\n", SignatureMistake.lineBreakRemoved), ("\r\n", .lineBreakRemoved),
    ])
    func bodyThatWasChangedBeforeSigningIsRecognised(end: String, mistake: SignatureMistake) throws {
        let signature = Self.signature("msg_1.\(Self.seconds).\(Self.body)\(end)")
        #expect(try problems(signature) == [.mistakes([mistake])])
    }

    @Test func layoutsOfOtherProgramsAreRecognised() throws {
        let body = #"{"b":[1,{"x":"/é"}],"a":{}}"#
        for (signed, mistake) in [
            (
                "{\n  \"b\": [\n    1,\n    {\n      \"x\": \"/é\"\n    }\n  ],\n  \"a\": {}\n}",
                SignatureMistake.prettyPrinted
            ),
            (
                "{\n    \"b\": [\n        1,\n        {\n            \"x\": \"/é\"\n        }\n    ],\n    \"a\": {}\n}",
                .prettyPrinted
            ),
            (#"{"a":{},"b":[1,{"x":"/é"}]}"#, .keysSorted), (#"{"a": {}, "b": [1, {"x": "/\u00e9"}]}"#, .keysSorted),
            (#"{"b": [1, {"x": "/\u00e9"}], "a": {}}"#, .reserialized),
            (#"{"b":[1,{"x":"\/\u00e9"}],"a":{}}"#, .reserialized),
        ] {
            let signature = Self.signature("msg_1.\(Self.seconds).\(signed)")
            #expect(try problems(signature, body: body) == [.mistakes([mistake])], "\(signed)")
        }
        #expect(
            try problems(Self.signature("msg_1.\(Self.seconds).{}\r\n{}"), body: "{}\n{}") == [
                .mistakes([.lineEndsChanged])
            ]
        )
    }

    @Test func wrongFormOfTheSignatureIsNamed() throws {
        let code = Self.code("msg_1.\(Self.seconds).\(Self.body)")
        let hexadecimal = code.map { String(0x100 + Int($0), radix: 16).dropFirst() }.joined()
        let base64 = Base64.encoded(code)
        let urlSafe = base64.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        #expect(try problems("v1,\(hexadecimal)") == [.mistakes([.hexadecimal])])
        #expect(try problems("v1,\(hexadecimal.uppercased())") == [.mistakes([.hexadecimal])])
        #expect(try problems("v1,\(Base64.encoded(Array(hexadecimal.utf8)))") == [.mistakes([.hexadecimalInBase64])])
        #expect(try problems("v1,\(urlSafe)") == [.mistakes([.otherBase64])])
        #expect(try problems(base64) == [.schemeMissing])
        #expect(try problems("v2,\(base64)") == [.otherScheme("v2")])
        #expect(try problems("sha256=\(hexadecimal)") == [.otherScheme("sha256="), .mistakes([.hexadecimal])])
        #expect(try problems("v1,%%%").first == .unreadableSignature)
    }

    @Test func twoMistakesAtOnceAreNamed() throws {
        let code = Self.code("\(Self.seconds).\(Self.body)", Array("whsec_\(Self.digits)".utf8))
        let hexadecimal = code.map { String(0x100 + Int($0), radix: 16).dropFirst() }.joined()
        #expect(
            try problems("v1,\(hexadecimal)") == [.mistakes([.secretWithPrefix, .idLeftOut, .hexadecimal])]
        )
    }

    @Test func wrongSecretAmongTwoIsNamed() throws {
        let signature = Self.signature("msg_1.\(Self.seconds).\(Self.body)", Self.key(Self.otherDigits))
        #expect(try problems(signature) == [.otherSecret("theirs")])
        let webhook = CapturedWebhook(
            id: "msg_1",
            timestamp: Self.seconds,
            signature: signature,
            body: Array(Self.body.utf8)
        )
        let both = [try Self.secret("mine"), try Self.secret("theirs", Self.otherDigits)]
        #expect(SignatureInspection(webhook, both, at: Self.now).signer == "theirs")
    }

    @Test func signatureThatNothingExplainsIsShownBesideTheRightOne() throws {
        let wrong = Self.signature("msg_1.\(Self.seconds).other")
        #expect(try problems(wrong) == [.unexplained(expected: Self.signature())])
        #expect(try problems(wrong).first?.description.contains(Self.signature()) == true)
    }

    @Test func rawRequestIsReadWithEitherLineEnd() throws {
        for end in ["\r\n", "\n"] {
            let head = [
                "POST /refunds HTTP/1.1", "Host: shop.example", "Webhook-Id: msg_1",
                "WEBHOOK-TIMESTAMP:\(Self.seconds)",
                "webhook-signature:  \(Self.signature()) ", "Content-Length: \(Self.body.utf8.count)", "", "",
            ]
            let request = Array((head.joined(separator: end) + Self.body).utf8)
            let webhook = try #require(CapturedWebhook(request: request))
            let secrets = [try Self.secret("mine")]
            #expect(SignatureInspection(webhook, secrets, at: Self.now).isGenuine)
            let cut = try #require(CapturedWebhook(request: request.dropLast(5)))
            let inspection = SignatureInspection(cut, secrets, at: Self.now)
            let length = Self.body.utf8.count
            #expect(inspection.problems.first == .otherLength(announced: length, actual: length - 5))
        }
        #expect(CapturedWebhook(request: Array("POST / HTTP/1.1\r\nwebhook-id: x".utf8)) == nil)
        #expect(CapturedWebhook(request: []) == nil)
    }

    @Test func everyMistakeSaysWhatToDo() {
        for mistake in SignatureMistake.allCases {
            #expect(mistake.description.contains(";"), "\(mistake)")
        }
    }

    @Test(arguments: ["", "{", "[1]", "null", String(repeating: "[", count: 100_000), "{\"a\":[,]}", "\u{0}"])
    func anyBodyIsInspected(body: String) throws {
        let wrong = Self.signature("msg_1.\(Self.seconds).other")
        #expect(try problems(wrong, body: body).count == 1)
    }
}
