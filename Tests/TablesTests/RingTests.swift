import Foundation
import Synchronization
import Tables
import TestSupport
import Testing

struct RingTests {
  @Test func `a ring gives back in order what it took, and refuses what it has no room for`() {
    let ring = Ring<UInt32>(capacity: 5)
    #expect(ring.capacity == 8)
    for round in 0..<3 as Range<UInt32> {
      for i in 0..<8 as Range<UInt32> { #expect(ring.put(round * 100 + i)) }
      #expect(!ring.put(99))
      #expect(ring.room == 0)
      for i in 0..<8 as Range<UInt32> { #expect(ring.take() == round * 100 + i) }
      #expect(ring.take() == nil)
      #expect(ring.count == 0)
    }
  }

  @Test func `it is a queue, whatever the order of puts and takes`() {
    var chance = SeededGenerator.forThisRun()
    let ring = Ring<UInt64>(capacity: 16)
    var model: [UInt64] = []
    for _ in 0..<10_000 {
      if Bool.random(using: &chance) {
        let element = chance.next()
        let isTaken = ring.put(element)
        #expect(isTaken == (model.count < 16))
        if isTaken { model.append(element) }
      } else {
        #expect(ring.take() == (model.isEmpty ? nil : model.removeFirst()))
      }
      #expect(ring.count == model.count)
    }
  }

  @Test func `between two threads nothing is lost, doubled or torn`() {
    struct Pair: BitwiseCopyable { var a, b: UInt64 }
    let ring = Ring<Pair>(capacity: 64)
    let wrong = Atomic<Int>(0)
    inParallel(2) { number in
      for i in 0..<200_000 as Range<UInt64> {
        if number == 0 {
          while !ring.put(Pair(a: i, b: ~i)) { sched_yield() }
        } else {
          var pair = ring.take()
          while pair == nil {
            sched_yield()
            pair = ring.take()
          }
          if pair?.a != i || pair?.b != ~i { wrong.wrappingAdd(1, ordering: .relaxed) }
        }
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
    #expect(ring.count == 0)
  }
}
