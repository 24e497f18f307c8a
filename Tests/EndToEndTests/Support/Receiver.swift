import Foundation

/// A receiver of webhooks that is somebody else's: Python with the reference library of Standard Webhooks.
struct Receiver {
    let origin: String
    /// The file with a line of JSON per request.
    let log: String

    init(origin: String, log: String) {
        self.origin = origin
        self.log = log
    }

    /// The address of a behaviour, such as `take`, `fail/2`, `hang`; what follows it is free.
    func url(_ path: String) -> String { "\(origin)/\(path)" }

    /// The host and port, as `allow_hosts` takes them.
    var host: String { String(origin.split(separator: "/")[1]) }

    /// Every request so far, in order of arrival.
    func requests() throws -> [Received] {
        guard let data = FileManager.default.contents(atPath: log) else { return [] }
        return try JSON.lines(of: String(decoding: data, as: UTF8.self)).map { try Received($0) }
    }

    /// The requests to one path.
    func requests(to path: String) throws -> [Received] {
        try requests().filter { $0.path == "/\(path)" }
    }
}

/// A webhook as it arrived.
struct Received {
    /// When it arrived, in Unix milliseconds.
    let at: Int64
    let path: String
    let method: String
    let contentType: String?
    let id: String
    /// Unix seconds.
    let timestamp: Int64?
    /// How many signatures it carried.
    let signatures: Int
    /// Whether it verified, for each of the receiver's secrets.
    let verified: [Bool]
    let body: String
    let event: JSON

    init(_ line: JSON) throws {
        at = line["at"].integer ?? 0
        path = line["path"].text ?? ""
        method = line["method"].text ?? ""
        contentType = line["content_type"].text
        id = line["id"].text ?? ""
        timestamp = line["timestamp"].text.flatMap { Int64($0) }
        signatures = Int(line["signatures"].integer ?? 0)
        verified = line["verified"].items.map { $0 == .bool(true) }
        body = line["body"].text ?? ""
        event = try JSON(parsing: body)
    }

    var type: String { event["type"].text ?? "" }
    var data: JSON { event["data"] }
    /// Whether every secret of the receiver found a signature of its own.
    var isVerified: Bool { !verified.isEmpty && !verified.contains(false) }
}
