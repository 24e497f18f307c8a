import Glibc
import RefundCore
import Testing

@testable import RefundDaemon

struct OperatorTests {
    private let unknownUser: uid_t = 3_999_999_999

    @Test func userBehindSudoIsNamed() {
        #expect(Operator.name(of: 0, sudoUser: "ada") == "ada")
        #expect(Operator.name(of: 0, sudoUser: nil) == "root")
        #expect(Operator.name(of: 0, sudoUser: "") == "root")
        #expect(Operator.name(of: 0, sudoUser: " ") == "root")
    }

    @Test func onlyRootsSudoUserCounts() {
        #expect(Operator.name(of: unknownUser, sudoUser: "ada") == "uid 3999999999")
        #expect(Operator.name(of: 1, sudoUser: "ada") == Operator.name(of: 1, sudoUser: nil))
        #expect(Operator.name(of: 1, sudoUser: nil) != "uid 1", "a login name")
    }

    @Test func operatorNeverHasTheDaemonsName() {
        #expect(Operator.name(of: 0, sudoUser: Transition.refundd) == "user refundd")
    }
}
