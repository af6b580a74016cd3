/// What the operator decided about packets; fixed while a journey runs.
public struct Policy: BitwiseCopyable, Sendable {
  /// How the checksum above IP is judged; the IPv4 header's own is always checked.
  public enum Checksum: UInt8, CaseIterable, BitwiseCopyable, Sendable { case off, software, hardware }
  /// What becomes of a packet that is invalid above IP.
  public enum Invalid: UInt8, CaseIterable, BitwiseCopyable, Sendable { case forward, drop }

  public var checksum: Checksum
  public var invalid: Invalid

  public init(checksum: Checksum = .off, invalid: Invalid = .forward) {
    self.checksum = checksum
    self.invalid = invalid
  }
}
