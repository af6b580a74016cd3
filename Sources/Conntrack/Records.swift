public import CSegment

// The protocol bytes of a record, as each protocol reads them.
extension UnsafeMutablePointer<dpdkfwd_ct_record> {
  @inlinable var udp: UnsafeMutablePointer<dpdkfwd_ct_udp> {
    unsafe (UnsafeMutableRawPointer(self) + 76).assumingMemoryBound(to: dpdkfwd_ct_udp.self)
  }

  @inlinable var sctp: UnsafeMutablePointer<dpdkfwd_ct_sctp> {
    unsafe (UnsafeMutableRawPointer(self) + 76).assumingMemoryBound(to: dpdkfwd_ct_sctp.self)
  }

  /// Counts a packet of a direction; packets and bytes of the two lie one behind the other.
  @inlinable @inline(__always)
  func account(_ direction: Direction, length: UInt64) {
    let cells = unsafe (UnsafeMutableRawPointer(self) + 32).assumingMemoryBound(to: UInt64.self)
    let first = Int(direction.rawValue) &* 2
    unsafe cells[first] &+= 1
    unsafe cells[first &+ 1] &+= length
  }
}

extension dpdkfwd_ct_record {
  /// Of both directions.
  var packets: UInt64 { packets_original &+ packets_reply }

  /// Where the connection is counted for its source; `nil`: nowhere.
  var sourcePlace: UInt8? {
    get { flags >> 4 == 0 ? nil : (flags >> 4) - 1 }
    set { flags = flags & 15 | (newValue.map { $0 + 1 } ?? 0) << 4 }
  }
}
