import RefundStore
import Testing

/// Tables of the kernel's that are longer than one read.
struct KernelTableTests {
    @Test func tableIsReadToItsEnd() throws {
        let maps = try #require(KernelTable.text(of: "/proc/self/maps"))
        #expect(maps.utf8.count > 10_000)
        #expect(maps.contains("[stack]"), "one of the last lines")
    }

    @Test func tableThatCannotBeReadIsNone() {
        #expect(KernelTable.text(of: "/proc/self/none") == nil)
    }
}
