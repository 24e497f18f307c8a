import RefundHTTP
import Testing

struct HTTPErrorTests {
    private static let errors: [HTTPError] =
        [
            .invalidURL, .invalidHeader, .refusedAddress("10.0.0.1 is private"), .resolve, .connect,
            .certificate("self-signed certificate"), .tls("no cipher in common"), .tooLarge(limit: 10),
            .metadataTooLarge(limit: 10), .emptyResponse, .malformedResponse("NUL byte"), .connectionLost, .badCAFile,
            .interrupted, .other(code: 27, text: "Out of memory"),
        ] + HTTPError.Phase.allCases.map { .timeout($0) }

    @Test(arguments: errors)
    func descriptionIsOneSentence(error: HTTPError) {
        let text = error.description
        #expect(text.first?.isUppercase == true)
        #expect(text.last == ".")
        #expect(!text.dropLast().contains(". "))
    }

    @Test func everyPhaseHasItsOwnDescription() {
        #expect(Set(HTTPError.Phase.allCases.map(\.description)).count == HTTPError.Phase.allCases.count)
    }

    @Test func reasonIsPartOfTheDescription() {
        #expect(HTTPError.refusedAddress("10.0.0.1 is private").description.contains("10.0.0.1 is private"))
        #expect(HTTPError.tooLarge(limit: 4_096).description.contains("4096 bytes"))
    }
}
