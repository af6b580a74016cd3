import Foundation
import Synchronization

/// A worker's arena in which every third record is a survivor, and the others end and begin again, each with a life of its
/// own, until it is told to stop.
final class Churn: Sendable {
  private let stop = Atomic(false)
  private let ended = Mutex(false)

  /// - Parameter begin: writes the record of a slot, with its life.
  init(slots: Int, _ begin: @escaping @Sendable (_ slot: Int, _ life: UInt32) -> Void) {
    for slot in 0..<slots { begin(slot, 1) }
    let thread = Thread { [self] in
      var (life, random) = (UInt32(1), UInt64(1))
      while !stop.load(ordering: .relaxed) {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let slot = Int(random >> 33) % slots
        guard slot % 3 != 0 else { continue }
        life += 1
        begin(slot, life)
      }
      ended.withLock { $0 = true }
    }
    thread.start()
  }

  func end() {
    stop.store(true, ordering: .relaxed)
    while !ended.withLock({ $0 }) { usleep(100) }
  }

  /// The generation or the owner of a record, at its offset in it.
  static func cell<Record>(
    _ record: UnsafeMutablePointer<Record>, _ offset: Int = 0
  ) -> UnsafeMutablePointer<Atomic<UInt32>> {
    unsafe (UnsafeMutableRawPointer(record) + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
  }
}
