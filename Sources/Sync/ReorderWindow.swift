internal import Primitives

/// The frames of one session, put in order again. Frames that come too early are held; those missing before them are
/// asked for, again and again, until they come or are given up.
struct ReorderWindow {
  enum Taken {
    case frame(SyncFrame, held: Interval)
    /// Frames were given up.
    case hole
  }

  private enum Slot {
    case held(SyncFrame, since: Instant)
    case missing(Missing)
    case gone
  }

  private struct Missing {
    let since: Instant
    /// When it is asked for, and how often it was.
    var dueAt: Instant
    var tries: UInt64 = 0
  }

  /// A frame is asked for so often before it is given up for want of patience: who could not ask may not complain.
  private static let leastTries: UInt64 = 3
  /// Doublings of the time between two questions for the same frame.
  private static let mostDoublings: UInt64 = 4

  let capacity: UInt64
  let delay: Interval
  let patience: Interval
  /// The first that is not done with.
  private(set) var next: UInt64
  /// The last that is known to have been sent.
  private var last: UInt64
  /// What is missing before this is given up.
  private var floor: UInt64
  private var slots: [UInt64: Slot] = [:]
  private var missing = 0

  init(next: UInt64, capacity: Int, delay: Interval, patience: Interval) {
    (self.next, last, floor) = (next, next - 1, next)
    (self.capacity, self.delay, self.patience) = (UInt64(max(1, capacity)), delay, patience)
  }

  /// Frames held or missing.
  var slotCount: Int { slots.count }

  /// All frames up to this one have been sent. What can not be held with it is given up.
  mutating func expect(upTo sequence: UInt64, at now: Instant) {
    guard sequence > last else { return }
    if sequence >= capacity { floor = max(floor, sequence - capacity + 1) }
    for sequence in max(last + 1, floor)...sequence {
      slots[sequence] = .missing(Missing(since: now, dueAt: now + delay))
      missing += 1
    }
    last = sequence
  }

  /// Whether the frame is new.
  mutating func add(_ frame: SyncFrame, at now: Instant) -> Bool {
    expect(upTo: frame.sequence, at: now)
    guard frame.sequence >= next, case .missing? = slots[frame.sequence] else { return false }
    slots[frame.sequence] = .held(frame, since: now)
    missing -= 1
    return true
  }

  /// The frames can not be had again.
  mutating func giveUp(_ range: ClosedRange<UInt64>) {
    guard range.overlaps(next...max(next, last)) else { return }
    for sequence in range.clamped(to: max(next, floor)...max(next, last, floor)) {
      guard case .missing? = slots[sequence] else { continue }
      slots[sequence] = .gone
      missing -= 1
    }
  }

  /// What is next in order. To be asked for until there is nothing.
  mutating func take(at now: Instant) -> Taken? {
    guard next <= last else { return nil }
    switch slots[next] {
    case .held(let frame, let since):
      slots[next] = nil
      next += 1
      return .frame(frame, held: now - since)
    case .missing(let missing) where isHopeful(missing, at: now): return nil
    default:
      skip(at: now)
      return .hole
    }
  }

  /// Whether the next frame, which is missing, may still come.
  private func isHopeful(_ missing: Missing, at now: Instant) -> Bool {
    next >= floor && (now - missing.since < patience || missing.tries < Self.leastTries)
  }

  /// Goes on behind what is given up.
  private mutating func skip(at now: Instant) {
    // Below the floor there may be nothing at all for long.
    if slots[next] == nil {
      next = min(slots.keys.min() ?? floor, floor)
      return
    }
    while next <= last {
      switch slots[next] {
      case .held, nil: return
      case .missing(let missing):
        guard !isHopeful(missing, at: now) else { return }
        self.missing -= 1
      case .gone: break
      }
      slots[next] = nil
      next += 1
    }
  }

  /// Ranges of frames that are to be asked for now, at most so many; they count as asked for.
  mutating func due(at now: Instant, atMost most: Int) -> [ClosedRange<UInt64>] {
    guard missing > 0 else { return [] }
    let due = slots.compactMap { sequence, slot in
      if case .missing(let missing) = slot, missing.dueAt <= now { sequence } else { nil }
    }
    var ranges: [ClosedRange<UInt64>] = []
    for sequence in due.sorted() {
      if let range = ranges.last, range.upperBound + 1 == sequence {
        ranges[ranges.count - 1] = range.lowerBound...sequence
      } else if ranges.count < most {
        ranges.append(sequence...sequence)
      } else {
        break
      }
      guard case .missing(var missing)? = slots[sequence] else { continue }
      missing.tries = min(missing.tries + 1, Self.mostDoublings)
      missing.dueAt = now + .nanoseconds(delay.nanoseconds << missing.tries)
      slots[sequence] = .missing(missing)
    }
    return ranges
  }
}
