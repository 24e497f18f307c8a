import RefundCore
import Testing

@testable import RefundDaemon

/// What `status` and the daemon say if they cannot begin.
struct StatusFailureTests {
    @Test func failureOfStatusBeginsWithTheJudgementAndACommand() {
        let failure = CommandFailure(.database, ["cannot open the database /srv/shop.db", "more"])
        let headline = "NOT HEALTHY: cannot open the database /srv/shop.db; run: refundd doctor"
        #expect(failure.asHeadline(run: "refundd doctor").messages == [headline, "more"])
        let known = CommandFailure(.database, ["refundd cannot start: it is read-only; run: mount -o remount,rw /srv"])
        #expect(known.asHeadline(run: "refundd doctor").messages == ["NOT HEALTHY: \(known.messages[0])"])
    }

    @Test func missingKeyOfTheUnitIsNamedWhereItBelongs() {
        let problem = CredentialProblem(
            key: "gateway.private_key_file",
            path: "/etc/refundd/app_private_key",
            problem: CredentialFileError.missing.description
        )
        let file = "/etc/refundd/refundd.conf"
        #expect(problem.ofUnit(file).path == "/etc/refundd/credentials/app_private_key")
        var elsewhere = problem
        elsewhere.path = "/srv/keys/app_private_key"
        #expect(elsewhere.ofUnit(file) == elsewhere)
    }
}
