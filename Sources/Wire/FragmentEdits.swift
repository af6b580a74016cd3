// Edits of an IP header, in place: the span is the header, for IPv6 with the extension headers up to the fragment header,
// which is the last of them.
extension MutableRawSpan {
  /// Writes the congestion codepoint, if what is there says that the packet can carry one (RFC 3168 §5).
  public mutating func setECN(_ codepoint: UInt8, isIPv6: Bool) {
    let shift: UInt8 = isIPv6 ? 4 : 0
    let old = bytes[Field<UInt8>(at: 1)]
    guard old >> shift & 3 != 0 else { return }
    let new = old & ~(3 << shift) | codepoint << shift
    storeBytes(of: new, toByteOffset: 1, as: UInt8.self)
    guard !isIPv6 else { return }
    // The word that it stands in, with version and header length.
    let checksum = InternetChecksum.updated(
      bytes[IPv4View.Layout.checksum], replacing: UInt64(old), by: UInt64(new))
    store(checksum, IPv4View.Layout.checksum)
  }

  /// Makes the header that of a fragment with `payload` bytes at `offset`, the checksum included.
  public mutating func setFragmentIPv4(offset: Int, more: Bool, payload: Int) {
    store(UInt16(truncatingIfNeeded: byteCount + payload), IPv4View.Layout.totalLength)
    let word = UInt16(truncatingIfNeeded: offset >> 3) | (more ? IPv4View.FragmentWord.moreFragments : 0)
    store(word, IPv4View.Layout.fragment)
    store(0, IPv4View.Layout.checksum)
    var checksum = InternetChecksum()
    checksum.add(bytes)
    store(checksum.value, IPv4View.Layout.checksum)
  }

  /// The same for IPv6, which has no checksum.
  public mutating func setFragmentIPv6(offset: Int, more: Bool, payload: Int) {
    store(UInt16(truncatingIfNeeded: byteCount - IPv6View.Layout.size + payload), IPv6View.Layout.payloadLength)
    let placement = UInt16(truncatingIfNeeded: offset) | (more ? 1 : 0)
    let field = Field<UInt16>(at: byteCount - IPv6FragmentView.Layout.size + 2)
    store(placement, field)
  }

  /// Makes no operations of the options that only the first fragment has (RFC 791 §3.1: those without the copied flag).
  public mutating func keepCopiedOptions() {
    var at = IPv4View.Layout.size
    while at < byteCount {
      let kind = bytes[Field<UInt8>(at: at)]
      if kind == 0 { return }
      if kind == 1 {
        at += 1
        continue
      }
      guard at + 1 < byteCount else { return }
      let size = max(2, Int(bytes[Field<UInt8>(at: at + 1)]))
      let end = min(byteCount, at + size)
      if kind & 0x80 == 0 {
        for place in at..<end { storeBytes(of: 1, toByteOffset: place, as: UInt8.self) }
      }
      at = end
    }
  }

  private mutating func store(_ value: UInt16, _ field: Field<UInt16>) {
    storeBytes(of: value.bigEndian, toByteOffset: field.offset, as: UInt16.self)
  }
}
