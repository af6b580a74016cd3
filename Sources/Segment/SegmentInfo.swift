internal import CSegment

/// What a segment says about itself.
public struct SegmentInfo: Sendable, Equatable {
  public let prefix: String
  /// Of the program that wrote it.
  public let version: String
  /// Of the layout, such as "1.0".
  public let layout: String
  public let bootID: BootID
  public let pid: Int
  /// Nanoseconds since 1970.
  public let started: UInt64
  /// Nanoseconds of CLOCK_MONOTONIC.
  public let startedMonotonic: UInt64
  public let tscHz: UInt64
  public let isHuge: Bool
  /// Bytes, of the host and of what the segment lies on.
  public let pageSize: Int
  public let backingPageSize: Int
  /// Bytes.
  public let size: Int
}

/// Whether the forwarder that wrote a segment lives.
public enum Liveness: String, Sendable {
  case starting, running, draining
  /// It ended as it should.
  case stopped
  /// It is gone and never said so.
  case stale
}

extension SegmentInfo {
  init(_ header: dpdkfwd_segment_header) {
    prefix = text(header.prefix)
    version = text(header.version)
    layout = "\(header.major).\(header.minor)"
    bootID = unsafe withUnsafeBytes(of: header.boot_id) {
      unsafe BootID(
        high: UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
        low: UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
    pid = Int(header.writer_pid)
    started = header.started_wall
    startedMonotonic = header.started_monotonic
    tscHz = header.tsc_hz
    isHuge = header.backing == 2
    pageSize = Int(header.page_size)
    backingPageSize = Int(header.backing_page_size)
    size = Int(clamping: header.total_size)
  }
}

/// The text in a `char` array.
private func text<Characters: BitwiseCopyable>(_ characters: Characters) -> String {
  unsafe withUnsafeBytes(of: characters) { unsafe String.printable($0.prefix { $0 != 0 }) }
}
