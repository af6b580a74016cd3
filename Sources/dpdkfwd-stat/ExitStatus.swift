internal import ArgumentParser
internal import Glibc
internal import Segment

/// Runs `body`; says what went wrong on standard error and ends with the status that `sysexits.h` has for it.
///
/// - Parameter failure: what did not come of it, said before the reason.
func exitingWithStatus(or failure: String? = nil, _ body: () throws(SegmentError) -> Void) throws {
  do {
    try body()
  } catch {
    writeError("dpdkfwd-stat: \(failure.map { $0 + ": " } ?? "")\(error)")
    throw ExitCode(status(of: error))
  }
}

func writeError(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = unsafe write(STDERR_FILENO, bytes, bytes.count)
}

private func status(of error: SegmentError) -> Int32 {
  switch error {
  case .invalid: 64
  case .damaged, .version, .fields: 65
  case .missing, .owned, .noSpace, .system: 69
  case .noPermission: 77
  }
}
