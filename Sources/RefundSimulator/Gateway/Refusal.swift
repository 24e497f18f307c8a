/// The reason why the gateway does not look for a refund, in the answer's `code` and `msg`.
///
/// `SYS002` (credentials), `SYS011` (members missing), `E07303` (interface not open to the application, or unknown
/// `method`), `E04110` and `E04111` (no such number) are codes of the live gateway. Which of them it gives for an
/// unknown `app_id`, for a timestamp outside the window or for missing business members is not documented; the simulator
/// takes the nearest of them.
struct Refusal: Error, Hashable {
    let code: String
    let message: String
    /// Whether the application was not authenticated when the refusal was raised.
    let isEarly: Bool

    static func credentials(_ message: String) -> Refusal {
        Refusal(code: "SYS002", message: message, isEarly: true)
    }

    static func malformed(_ message: String) -> Refusal {
        Refusal(code: "SYS011", message: message, isEarly: true)
    }

    static func incomplete(_ message: String) -> Refusal {
        Refusal(code: "SYS011", message: message, isEarly: false)
    }

    static func notAuthorised(method: String) -> Refusal {
        let message = "method \(method) does not exist or is not open to this application"
        return Refusal(code: "E07303", message: message, isEarly: false)
    }

    static func unknown(_ number: RefundNumber) -> Refusal {
        switch number {
        case .order: Refusal(code: "E04111", message: "the merchant order number is invalid", isEarly: false)
        case .trans: Refusal(code: "E04110", message: "the transaction number is invalid", isEarly: false)
        }
    }
}
