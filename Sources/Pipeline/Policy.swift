internal import Primitives

/// What the operator decided about packets; fixed while a journey runs.
public struct Policy: BitwiseCopyable, Sendable {
  /// How the checksum above IP is judged; the IPv4 header's own is always checked.
  public enum Checksum: UInt8, CaseIterable, BitwiseCopyable, Sendable { case off, software, hardware }
  /// What becomes of a packet that is invalid above IP.
  public enum Invalid: UInt8, CaseIterable, BitwiseCopyable, Sendable { case forward, drop }

  public var checksum: Checksum
  /// Also of what the tracker calls invalid.
  public var invalid: Invalid
  /// One bit for each port by which no packet may open a connection.
  public var refusesNew: UInt64

  public init(checksum: Checksum = .off, invalid: Invalid = .forward, refusesNew: UInt64 = 0) {
    self.checksum = checksum
    self.invalid = invalid
    self.refusesNew = refusesNew
  }

  func refusesNew(from port: PortID) -> Bool { port.rawValue < 64 && refusesNew & 1 << UInt64(port.rawValue) != 0 }
}
