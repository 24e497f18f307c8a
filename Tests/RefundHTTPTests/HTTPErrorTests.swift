import RefundHTTP
import Testing

struct HTTPErrorTests {
    @Test(arguments: [
        HTTPError.invalidURL, .invalidHeader, .refusedAddress("10.0.0.1 is private"), .resolve, .connect, .timeout,
        .certificate("self-signed certificate"), .tls("no cipher in common"), .tooLarge(limit: 10), .emptyAnswer,
        .garbledAnswer, .connectionLost, .badCAFile, .shutDown, .other(code: 27, text: "Out of memory"),
    ])
    func descriptionIsOneSentence(error: HTTPError) {
        let text = error.description
        #expect(text.first?.isUppercase == true)
        #expect(text.last == ".")
        #expect(!text.dropLast().contains(". "))
    }

    @Test func reasonIsPartOfTheDescription() {
        #expect(HTTPError.refusedAddress("10.0.0.1 is private").description.contains("10.0.0.1 is private"))
        #expect(HTTPError.tooLarge(limit: 4_096).description.contains("4096 bytes"))
    }
}
