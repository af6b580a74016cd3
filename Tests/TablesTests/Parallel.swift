import Dispatch
import Foundation
import Tables

/// Runs `body` on as many threads at once, each with its number, and waits for all.
func inParallel(_ threads: Int, _ body: @escaping @Sendable (Int) -> Void) {
  let done = DispatchGroup()
  for number in 0..<threads {
    done.enter()
    Thread.detachNewThread {
      body(number)
      done.leave()
    }
  }
  done.wait()
}

/// Zeroed memory, aligned as tables need it.
@safe
final class TableMemory: @unchecked Sendable {
  let start: UnsafeMutableRawPointer

  init(bytes: Int) {
    unsafe start = .allocate(byteCount: bytes, alignment: 64)
    unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
  }
  deinit { unsafe start.deallocate() }
}
