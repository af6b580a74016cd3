public import CSegment

// The protocol bytes of a record, as each protocol reads them.
extension UnsafeMutablePointer<dpdkfwd_ct_record> {
  @inlinable var udp: UnsafeMutablePointer<dpdkfwd_ct_udp> {
    unsafe (UnsafeMutableRawPointer(self) + 76).assumingMemoryBound(to: dpdkfwd_ct_udp.self)
  }

  @inlinable var sctp: UnsafeMutablePointer<dpdkfwd_ct_sctp> {
    unsafe (UnsafeMutableRawPointer(self) + 76).assumingMemoryBound(to: dpdkfwd_ct_sctp.self)
  }
}

extension dpdkfwd_ct_record {
  /// Where the connection is counted for its source; `nil`: nowhere.
  var sourcePlace: UInt8? {
    get { flags >> 4 == 0 ? nil : (flags >> 4) - 1 }
    set { flags = flags & 15 | (newValue.map { $0 + 1 } ?? 0) << 4 }
  }
}
