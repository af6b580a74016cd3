extension Datagram {
  /// The datagram in pieces, as a router (IPv4, RFC 791 §3.2) or its sender (IPv6, RFC 8200 §4.5) cuts it; also cuts
  /// an IPv4 fragment again.
  ///
  /// - Parameters:
  ///   - size: payload bytes in each piece but the last; a multiple of 8.
  ///   - id: the IPv6 identification; IPv4 datagrams carry their own.
  public func fragments(size: Int, id: UInt32 = 0x5eed) -> [Datagram] {
    precondition(size > 0 && size % 8 == 0)
    switch network {
    case .ipv4(let header):
      return pieces(of: transport.bytes(from: source, to: destination), size: size).map { offset, piece, isLast in
        var fragment = raw(protocol: transport.protocolNumber, payload: piece)
        var cut = header
        cut.dontFragment = false
        cut.offset += offset
        cut.moreFragments = !isLast || header.moreFragments
        if cut.offset > 0 { cut.options = Self.copiedOptions(header.options) }
        fragment.network = .ipv4(cut)
        return fragment
      }
    case .ipv6(let header):
      // Every router reads the headers up to the routing header, so each piece repeats them.
      let repeated = (header.headers.lastIndex { $0.type == 0 || $0.type == 43 } ?? -1) + 1
      let inside = Array(header.headers[repeated...])
      let next = inside.dropFirst().map(\.type) + [transport.protocolNumber]
      let whole = zip(inside, next).flatMap { [$1] + $0.body } + transport.bytes(from: source, to: destination)
      return pieces(of: whole, size: size).map { offset, piece, isLast in
        var fragment = raw(protocol: inside.first?.type ?? transport.protocolNumber, payload: piece)
        var cut = header
        cut.headers = header.headers[..<repeated] + [.fragment(id: id, offset: offset, more: !isLast)]
        fragment.network = .ipv6(cut)
        return fragment
      }
    }
  }

  private func pieces(of whole: [UInt8], size: Int) -> [(offset: Int, piece: [UInt8], isLast: Bool)] {
    stride(from: 0, to: whole.count, by: size).map { offset in
      let end = min(offset + size, whole.count)
      return (offset, Array(whole[offset..<end]), end == whole.count)
    }
  }

  /// The options whose copied bit says that every fragment has them.
  private static func copiedOptions(_ options: [UInt8]) -> [UInt8] {
    var copied: [UInt8] = []
    var at = 0
    while at < options.count, options[at] != 0 {
      let length = options[at] == 1 || at + 1 == options.count ? 1 : max(2, Int(options[at + 1]))
      let end = min(at + length, options.count)
      if options[at] & 0x80 != 0 { copied += options[at..<end] }
      at = end
    }
    return copied
  }
}
