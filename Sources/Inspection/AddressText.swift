internal import Primitives
internal import Segment

/// An address of either family as inet_ntop(3) writes it, which is what conntrack and Open vSwitch print: an
/// IPv4-compatible one (RFC 4291 §2.5.5.1) ends in its IPv4 address.
func text(of address: IPv6Address, isIPv6: Bool) -> String {
  guard isIPv6 else { return address.ipv4.description }
  let isCompatible = address.high == 0 && address.low >> 32 == 0 && address.low >> 16 != 0
  return isCompatible
    ? "::\(IPv4Address(bits: UInt32(truncatingIfNeeded: address.low)))" : address.description
}
