import Wire

// fuzz-summary: libFuzzer throws bytes at `Summary.read` and at every view (`Scripts/fuzz` builds and runs it). The
// first byte says how much of the frame is at hand, the others are the frame, copied to memory that ends with it so
// that the address sanitizer sees a read beyond. What must hold is written as preconditions; one that fails is a crash.

@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  guard size > 0 else { return 0 }
  let input = unsafe UnsafeBufferPointer(start: data, count: size)
  let frame = unsafe Array(input.dropFirst())
  let given = unsafe frame.count * Int(input[0]) / 255
  withExactly(frame) { whole in
    withExactly(Array(frame[..<given])) { part in check(whole, part) }
    readEverything(whole)
  }
  completesChecksum(of: frame)
  return 0
}

/// A part of a frame gives the summary of the whole or asks for more; offsets stay inside.
private func check(_ whole: RawSpan, _ part: RawSpan) {
  let summary = read(whole, frameLength: whole.byteCount)
  precondition(!summary.flags.contains(.needsMore))
  precondition(Int(summary.datagramEnd) <= whole.byteCount)
  precondition(Int(summary.networkOffset) <= whole.byteCount)
  precondition(summary.transportOffset <= summary.datagramEnd)
  precondition(summary.transportOffset == 0 || summary.transportOffset >= summary.networkOffset)
  precondition(summary.fragmentHeader == 0 || Int(summary.fragmentHeader) + 8 <= Int(summary.datagramEnd))
  precondition(summary.fault == .none || summary.invalid == .none)
  precondition((summary.fault != .none) == (summary.kind == .ipv4Faulty || summary.kind == .ipv6Faulty))
  precondition(summary.flags.contains(.fragment) == (summary.kind == .ipv4Fragment || summary.kind == .ipv6Fragment))

  let partial = read(part, frameLength: whole.byteCount)
  precondition(partial == summary || partial.flags == .needsMore)
  _ = partial == summary ? summary.verifyTransport(part) : summary.verifyTransport(whole)
}

/// A checksum that was filled in is right, and the frame means what it meant.
private func completesChecksum(of frame: [UInt8]) {
  var frame = frame
  let before = frame.withUnsafeBytes { unsafe read($0.bytes, frameLength: $0.count) }
  let isCompleted = unsafe frame.withUnsafeMutableBytes { buffer in
    var span = unsafe buffer.mutableBytes
    return before.completeTransportChecksum(&span)
  }
  guard isCompleted else { return }
  frame.withUnsafeBytes { bytes in
    let after = unsafe read(bytes.bytes, frameLength: bytes.count)
    precondition(after == before)
    precondition(unsafe after.verifyTransport(bytes.bytes) == .none)
  }
}

private func read(_ bytes: RawSpan, frameLength: Int) -> Summary {
  var summary = Summary()
  Summary.read(bytes, frameLength: frameLength, into: &summary)
  return summary
}

private func withExactly(_ bytes: [UInt8], _ body: (RawSpan) -> Void) {
  let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
  defer { unsafe exact.deallocate() }
  unsafe exact.copyBytes(from: bytes)
  body(unsafe UnsafeRawBufferPointer(exact).bytes)
}
