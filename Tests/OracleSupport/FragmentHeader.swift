/// What a fragment's headers say of its place, read from an untagged Ethernet frame whose IPv6 fragment header may stand
/// behind other extension headers; `nil` for everything else.
public struct FragmentHeader: Sendable, Equatable {
  public let identification: UInt32
  /// Payload in front of it, in bytes.
  public let offset: Int
  public let more: Bool

  public init?(_ frame: [UInt8]) {
    guard frame.count >= 34 else { return nil }
    func word(_ at: Int) -> UInt16 { UInt16(frame[at]) << 8 | UInt16(frame[at + 1]) }
    switch word(12) {
    case 0x0800:
      offset = Int(word(20) & 0x1FFF) * 8
      more = word(20) & 0x2000 != 0
      identification = UInt32(word(18))
    case 0x86DD:
      var at = 54
      var next = frame[20]
      while [0, 43, 60].contains(next), at + 8 <= frame.count {
        (next, at) = (frame[at], at + 8 * (Int(frame[at + 1]) + 1))
      }
      guard next == 44, at + 8 <= frame.count else { return nil }
      offset = Int(word(at + 2) & 0xFFF8)
      more = word(at + 2) & 1 != 0
      identification = UInt32(word(at + 4)) << 16 | UInt32(word(at + 6))
    default: return nil
    }
    guard offset != 0 || more else { return nil }
  }
}
