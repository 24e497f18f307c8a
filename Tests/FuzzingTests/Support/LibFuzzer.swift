import Foundation

/// What libFuzzer calls with each input (<https://llvm.org/docs/LibFuzzer.html#fuzz-target>); a test never does.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    do throws(Finding) {
        try wantedTarget.check(input)
        return 0
    } catch {
        fatalError("\(error)")
    }
}

private let wantedTarget: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["TEST_FUZZ_TARGET"]
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
        fatalError("set TEST_FUZZ_TARGET to one of \(FuzzTarget.all.map(\.name))")
    }
    return target
}()
