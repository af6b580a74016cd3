internal import CSegment

/// Guards the constant part of a segment against damage: header up to its live part, then the schema.
enum SegmentChecksum {
  static let liveOffset = MemoryLayout<dpdkfwd_segment_header>.offset(of: \.heartbeat)!

  static func of(_ header: dpdkfwd_segment_header, schema: ArraySlice<UInt8>) -> UInt64 {
    var header = header
    header.checksum = 0
    let seed = unsafe withUnsafeBytes(of: header) {
      unsafe segment_checksum($0.baseAddress, liveOffset, SEGMENT_CHECKSUM_SEED)
    }
    return unsafe schema.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return seed }
      return unsafe segment_checksum(start, bytes.count, seed)
    }
  }
}
