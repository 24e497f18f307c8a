import Foundation
import Glibc
import RefundConfiguration
import RefundStore

/// The systemd unit of refundd, as far as it decides what the daemon may read and write.
///
/// Source: systemd.unit(5), systemd.exec(5). Drop-ins override the unit; `LoadCredential=` and
/// `SupplementaryGroups=` add up, and an empty assignment resets them.
struct ServiceUnit: Hashable, Sendable {
    private static let folders = [
        "/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
    ]

    /// The configuration that the unit's daemon reads.
    static let configuration = "/etc/refundd/refundd.conf"

    /// The user that runs the daemon; nil for root.
    var user: String?
    /// The group that the daemon runs as; nil for the user's own.
    var group: String?
    /// The groups that the daemon has besides.
    var supplementaryGroups: [String] = []
    /// The credentials by name, with the files that root reads for the daemon.
    var credentials: [String: String] = [:]
    /// The folders of which systemd loads every file.
    var credentialFolders: [String] = []

    /// Whether everything is read-only to the daemon that ``writableFolders`` does not list.
    var isSystemReadOnly = false
    /// Whether homes are hidden from the daemon.
    var hidesHomes = false
    /// The folders that the daemon may write.
    var writableFolders: [String] = []

    /// Whether systemd runs this machine, as sd_booted(3) tells.
    static var isManagerRunning: Bool { FileManager.default.fileExists(atPath: "/run/systemd/system") }

    /// Finds the installed unit whose daemon reads a configuration; nil if there is none.
    static func serving(_ configuration: DatabaseConfiguration) -> ServiceUnit? {
        serving(configuration.file)
    }

    /// Finds the installed unit whose daemon reads a configuration file; nil if there is none.
    static func serving(_ file: String) -> ServiceUnit? {
        file == configuration ? installed() : nil
    }

    /// Finds the unit and its drop-ins; nil if it is not installed.
    static func installed(in folders: [String] = Self.folders) -> ServiceUnit? {
        let files = FileManager.default
        guard
            let file = folders.map({ "\($0)/refundd.service" }).first(where: { path in
                // A masked unit still says which user would run the daemon.
                files.fileExists(atPath: path) && (try? files.destinationOfSymbolicLink(atPath: path)) != "/dev/null"
            })
        else { return nil }
        // A drop-in of an earlier folder hides one with the same name.
        var dropIns: [String: String] = [:]
        for folder in folders.reversed() {
            for name in (try? files.contentsOfDirectory(atPath: "\(folder)/refundd.service.d")) ?? []
            where name.hasSuffix(".conf") {
                dropIns[name] = "\(folder)/refundd.service.d/\(name)"
            }
        }
        let parts = [file] + dropIns.sorted { $0.key < $1.key }.map(\.value)
        let texts = parts.map { (try? String(contentsOfFile: $0, encoding: .utf8)) ?? "" }
        return ServiceUnit(parsing: texts.joined(separator: "\n"))
    }

    /// Reads a unit's text.
    init(parsing text: String) {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !line.hasPrefix("#"), !line.hasPrefix(";") else { continue }
            let value = parts[1].trimmingCharacters(in: .whitespaces)
            switch parts[0].trimmingCharacters(in: .whitespaces) {
            case "User": user = value.isEmpty ? nil : value
            case "Group": group = value.isEmpty ? nil : value
            case "SupplementaryGroups" where value.isEmpty: supplementaryGroups = []
            case "SupplementaryGroups": supplementaryGroups += value.split(separator: " ").map(String.init)
            case "ProtectSystem": isSystemReadOnly = value == "strict"
            case "ProtectHome": hidesHomes = !["no", "false", "off", "0", ""].contains(value)
            case "ReadWritePaths" where value.isEmpty: writableFolders = []
            case "ReadWritePaths": writableFolders += value.split(separator: " ").map(Self.folder)
            case "StateDirectory": writableFolders += value.split(separator: " ").map { "/var/lib/\($0)" }
            case "RuntimeDirectory": writableFolders += value.split(separator: " ").map { "/run/\($0)" }
            case "LoadCredential" where value.isEmpty: (credentials, credentialFolders) = ([:], [])
            case "LoadCredential":
                let pair = value.split(separator: ":", maxSplits: 1).map(String.init)
                load(pair[0], from: pair.count == 2 ? pair[1] : pair[0])
            default: break
            }
        }
    }

    // A path may begin with marks, such as one that it need not exist.
    private static func folder(_ word: Substring) -> String {
        let path = String(word.drop { "-+".contains($0) })
        return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    // systemd loads each file of a folder under the name ID_FILE.
    private mutating func load(_ id: String, from path: String) {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            credentials[id] = path
            // Only its content would tell whether it is to be a folder or a file.
            if unsafe access(path, F_OK) != 0, errno == ENOENT { credentialFolders.append(path) }
            return
        }
        credentialFolders.insert(path, at: 0)
        for name in names { credentials["\(id)_\(name)"] = "\(path)/\(name)" }
    }

    /// Whether a user sees too little of the service to judge it: what is hidden would seem to be missing.
    func isHidden(from viewer: ServiceUser, _ daemon: DaemonPresence) -> Bool {
        viewer.id != 0 && viewer.id != Self.user(of: daemon, self)?.id
    }

    /// The user that runs the daemon, with its groups; nil if there is no such user.
    var serviceUser: ServiceUser? {
        guard let userID else { return nil }
        return ServiceUser(
            id: userID,
            group: group.flatMap(Self.id(ofGroup:)),
            supplementary: supplementaryGroups.compactMap(Self.id(ofGroup:))
        )
    }

    /// The user that runs the daemon: the running one's, else the unit's; nil if neither is known.
    static func user(of daemon: DaemonPresence, _ unit: ServiceUnit? = installed()) -> ServiceUser? {
        if case .running(let serving?) = daemon, serving.isHere, let user = ServiceUser(ofProcess: serving.pid) {
            return user
        }
        return unit?.serviceUser
    }

    private static func id(ofGroup name: String) -> gid_t? {
        if let number = gid_t(name) { return number }
        return unsafe getgrnam(name)?.pointee.gr_gid
    }

    /// The id of the user that runs the daemon; nil if there is no such user.
    var userID: uid_t? {
        guard let user else { return 0 }
        if let number = uid_t(user) { return number }
        return unsafe getpwnam(user)?.pointee.pw_uid
    }
}
