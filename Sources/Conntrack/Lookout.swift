internal import CSegment
internal import Tables

/// Where those who remember connections by the hash of their tuples see whether they still live, at an address that stays
/// as long as the tracker.
@safe
public struct Lookout: BitwiseCopyable {
  let records: UnsafeMutablePointer<dpdkfwd_ct_record>
  let index: TupleIndex.View
  var now: UInt32 = 0

  /// A connection with this hash is tracked and not about to end: what a count of connections counts (netfilter's
  /// `nf_conncount`, which leaves out TCP in TIME_WAIT and CLOSE).
  func isLive(_ hash: UInt64) -> Bool {
    index.find(hash) { entry in
      let record = unsafe records[Int(entry.slot)]
      let isOver = record.status & Status.offload == 0 && Int32(bitPattern: record.deadline &- now) <= 0
      guard record.status & Status.confirmed != 0, !isOver else { return false }
      let state = record.protocol == 6 ? TCPState(rawValue: record.state) : nil
      return state != .timeWait && state != .close
    } != nil
  }
}

extension Tracker {
  /// For `isLive`: valid as long as the tracker, wherever that lies.
  @unsafe
  public var lookoutMemory: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(lookout) }

  /// The clock of those who look out has come as far as the tracker's.
  @inline(__always)
  public func lookOut() { unsafe lookout.pointee.now = now }

  /// Whether a connection whose tuples have this hash lives; by the memory alone, for who knows no tracker.
  @unsafe
  public static func isLive(_ memory: UnsafeMutableRawPointer?, _ hash: UInt64) -> Bool {
    unsafe memory?.assumingMemoryBound(to: Lookout.self).pointee.isLive(hash) ?? false
  }
}
