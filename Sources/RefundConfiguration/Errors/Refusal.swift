/// Why a value was refused, before it is known where the value stands.
struct Refusal: Error {
    /// The value as it may be shown, or nil.
    var value: String?
    /// What is wrong, as the end of a sentence.
    var problem: String
    /// What to change.
    var remedy: String

    init(_ problem: String, _ remedy: String, value: String? = nil) {
        self.problem = problem
        self.remedy = remedy
        self.value = value
    }

    /// This refusal with a value to show, unless it has one that says more.
    func showing(_ value: String?) -> Refusal {
        Refusal(problem, remedy, value: self.value ?? value)
    }
}
