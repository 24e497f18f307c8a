import Testing

/// `refundd check --online`.
struct OnlineCheckTests {
    @Test(.endToEnd) func gatewayThatAnswersAndVerifiesIsFine() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            let check = try await w.refundd("check", "--online")
            #expect(check.exitCode == 0, "\(check.errors)")
            #expect(try w.asked().count == 1)
            // Nobody needs a queue to check.
            #expect(try await w.refundd("list").exitCode == 74)
        }
    }

    @Test(.endToEnd) func wrongApplicationKeyIsAFailure() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            try await w.make("other.pem", "openssl genrsa -out {} 2048")
            try w.configure("gateway", ["private_key_file": "\"other.pem\""])
            let check = try await w.refundd("check", "--online")
            #expect(check.exitCode == 1)
            #expect(check.errors.contains("SYS002"))
        }
    }

    @Test(.endToEnd) func wrongGatewayKeyIsAFailure() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            try await w.makeKey("other")
            try w.configure("gateway", ["public_key_files": "[\"other_public_key.pem\"]"])
            let check = try await w.refundd("check", "--online")
            #expect(check.exitCode == 1)
            #expect(check.errors.contains("sign"))
        }
    }

    @Test(.endToEnd) func secondPublicKeyIsTriedToo() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            try await w.makeKey("other")
            try w.configure(
                "gateway",
                ["public_key_files": "[\"other_public_key.pem\", \"gateway_public_key\"]"]
            )
            #expect(try await w.refundd("check", "--online").exitCode == 0)
        }
    }

    @Test(.endToEnd) func gatewayThatIsDownIsUnavailable() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            try w.configureUnreachableGateway()
            let check = try await w.refundd("check", "--online")
            #expect(check.exitCode == 69)
            #expect(!check.errors.isEmpty)
        }
    }

    @Test(.endToEnd) func untrustedCertificateIsUnavailable() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            try w.configure("gateway", ["ca_file": "\"\""])
            let check = try await w.refundd("check", "--online")
            #expect(check.exitCode == 69)
            #expect(check.errors.contains("certificate"))
            #expect(try w.asked().isEmpty)
        }
    }

    @Test(.endToEnd, arguments: ["", "/", "/api/entry", "/api/entry/"])
    func addressIsReadWithAndWithoutItsPath(path: String) async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            try w.configure("gateway", ["url": "\"https://127.0.0.1:\(w.simulatorPort)\(path)\""])
            let check = try await w.refundd("check", "--online")
            #expect(check.exitCode == 0, "\(check.errors)")
        }
    }

    @Test(.endToEnd) func signedRefusalOfTheMerchantIsAFailure() async throws {
        try await withWorkspace { w in
            let message = "merchant does not exist"
            let gateway = try w.startPython("refusing.py", [w.path("gateway_private_key"), "E04003", message])
            let port = try await gateway.outputLine(beginning: "listening on ")
            try w.configure("gateway", ["url": "\"http://127.0.0.1:\(port)\"", "ca_file": "\"\""])
            let check = try await w.refundd("check", "--online")
            #expect(check.exitCode == 1, "\(check.output)")
            for word in ["E04003", message, "merchant_no"] { #expect(check.errors.contains(word), "\(check.errors)") }
            try w.configure("gateway", ["merchant_no": "\"\""])
            let unknown = try await w.refundd("check", "--online")
            #expect(unknown.exitCode == 0)
            #expect(unknown.output.contains("warning: gateway default: "), "\(unknown.output)")
        }
    }

    @Test(.endToEnd) func receiverThatCannotBeResolvedIsAFailure() async throws {
        try await withWorkspace { w in
            try await w.startSimulator()
            try w.configure("webhook", ["url": "\"https://shop.invalid/TOKEN\""])
            let check = try await w.refundd("check", "--online")
            #expect(check.exitCode == 1)
            #expect(check.errors.contains("receiver https://shop.invalid:443: its name cannot be resolved"))
            #expect(!check.errors.contains("TOKEN"))
        }
    }
}
