import RefundCore

extension JSONObject {
    /// The text of a string or number.
    func text(_ name: String) -> String? {
        switch self[name] {
        case .string(let text)?, .number(let text)?: text
        default: nil
        }
    }

    /// The object inside this one.
    func object(_ name: String) -> JSONObject? {
        guard case .object(let text)? = self[name] else { return nil }
        return try? JSONObject(parsing: text)
    }
}
