import Glibc
import RefundCore
import Testing

@testable import RefundDaemon

/// How the ledger names a person.
struct PersonTests {
    private let nobodysID: uid_t = 3_999_999_999

    @Test func whoBecameRootIsNamedByTheirOwnName() {
        #expect(Person.name(of: 0, sudoUser: "ada") == "ada")
        #expect(Person.name(of: 0, sudoUser: nil) == "root")
        #expect(Person.name(of: 0, sudoUser: "") == "root")
        #expect(Person.name(of: 0, sudoUser: " ") == "root")
    }

    @Test func whoIsNotRootCannotPassForAnother() {
        #expect(Person.name(of: nobodysID, sudoUser: "ada") == "uid 3999999999")
        #expect(Person.name(of: 1, sudoUser: "ada") == Person.name(of: 1, sudoUser: nil))
        #expect(Person.name(of: 1, sudoUser: nil) != "uid 1", "a login name")
    }

    @Test func noPersonIsTakenForTheDaemon() {
        #expect(Person.name(of: 0, sudoUser: Transition.refundd) == "user refundd")
    }
}
