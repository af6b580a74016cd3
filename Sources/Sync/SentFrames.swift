internal import Primitives

/// The last frames that were sent, to be sent again when they are missing. The oldest leave for the newest.
struct SentFrames {
  private struct Sent {
    var sequence: UInt64 = 0
    var bytes: [UInt8] = []
    var made = Instant(nanoseconds: 0)
    var repeated: Instant?
    var isAsked = false
  }

  /// A frame that was sent again is not again so soon, whoever asks.
  static let pause = Interval.milliseconds(10)

  private var frames: [Sent]
  private(set) var last: UInt64 = 0
  /// All frames up to this one have arrived, or are not waited for.
  private(set) var acknowledged: UInt64 = 0
  private var asked = Line<UInt64>()

  init(capacity: Int) { frames = Array(repeating: Sent(), count: max(1, capacity)) }

  var capacity: Int { frames.count }
  var unacknowledged: UInt64 { last - acknowledged }

  /// Makes room for the next frame's bytes, and numbers it.
  mutating func add(_ bytes: [UInt8], at now: Instant) {
    last += 1
    frames[place(of: last)] = Sent(sequence: last, bytes: bytes, made: now)
  }

  mutating func acknowledge(upTo sequence: UInt64) {
    guard sequence > acknowledged, sequence <= last else { return }
    let first = max(acknowledged + 1, oldest)
    acknowledged = sequence
    guard first <= sequence else { return }
    for sequence in first...sequence { frames[place(of: sequence)] = Sent() }
  }

  /// Frames of the range are missing. Those that cannot be had again are returned.
  mutating func ask(for range: ClosedRange<UInt64>) -> ClosedRange<UInt64>? {
    guard range.lowerBound <= last, range.lowerBound > 0 else { return nil }
    let range = range.clamped(to: range.lowerBound...last)
    for sequence in max(range.lowerBound, oldest)...max(range.upperBound, oldest) where range.contains(sequence) {
      let place = place(of: sequence)
      guard frames[place].sequence == sequence, !frames[place].isAsked else { continue }
      frames[place].isAsked = true
      asked.add(sequence)
    }
    let kept = max(oldest, acknowledged + 1)
    return range.lowerBound < kept ? range.lowerBound...min(range.upperBound, kept - 1) : nil
  }

  /// The next frame that is to be sent again, if it is not longer than that.
  mutating func takeAsked(at now: Instant, atMost size: UInt64) -> [UInt8]? {
    while let sequence = asked.first {
      let place = place(of: sequence)
      let sent = frames[place]
      if sent.sequence == sequence, sent.repeated.map({ now - $0 >= Self.pause }) ?? true {
        guard UInt64(sent.bytes.count) <= size else { return nil }
        frames[place].repeated = now
        frames[place].isAsked = false
        asked.removeFirst()
        let age = (now - sent.made).milliseconds
        return age == 0 ? sent.bytes : SyncFrame.repeated(sent.bytes, age: UInt32(clamping: age))
      }
      if sent.sequence == sequence { frames[place].isAsked = false }
      asked.removeFirst()
    }
    return nil
  }

  private var oldest: UInt64 { last > UInt64(capacity) ? last - UInt64(capacity) + 1 : 1 }
  private func place(of sequence: UInt64) -> Int { Int(sequence % UInt64(capacity)) }
}
