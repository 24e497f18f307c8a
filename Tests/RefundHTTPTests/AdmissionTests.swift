import RefundHTTP
import Testing

struct AdmissionTests {
    @Test func hostHasItsOwnLimit() {
        var admission = Admission(total: 3, perHost: 2)
        #expect([admission.enter("a"), admission.enter("a"), admission.enter("a")] == [true, true, false])
        #expect([admission.enter("b"), admission.enter("b")] == [true, false])
    }

    @Test func leavingMakesRoom() {
        var admission = Admission(total: 2, perHost: 2)
        #expect([admission.enter("a"), admission.enter("a"), admission.enter("b")] == [true, true, false])
        admission.leave("a")
        #expect([admission.enter("b"), admission.enter("a")] == [true, false])
    }

    @Test func leavingWithoutEnteringChangesNothing() {
        var admission = Admission(total: 1, perHost: 1)
        admission.leave("a")
        #expect([admission.enter("a"), admission.enter("b")] == [true, false])
    }
}
