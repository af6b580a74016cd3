import TestSupport

// Datagrams in fragments, as networks and attackers send them.

/// What is wrong with a datagram's fragments.
private enum FragmentTrouble: CaseIterable {
  case repeated, overlapping, inside, missing, secondEnd, beyondEnd, empty, misaligned, oversize, crowded, shortHeader
  case moreHeaders, mixedECN, congested, uncuttable
}

extension Shelf {
  /// Datagrams of a few conversations, whole ones and fragments of others among them: in order, in reverse, shuffled, two
  /// at a time; a third of them with some trouble.
  mutating func addFragments() {
    var chance = SeededGenerator(seed: 5)
    var before: [(fragment: Frame, whole: Frame)] = []
    for number in 0..<180 {
      let whole = Self.datagram(number, &chance)
      let vlan: [UInt16] = number % 8 == 6 ? [7] : number % 8 == 7 ? [8, 9] : []
      var pieces = Self.pieces(of: whole, number, &chance)
      if number % 3 == 1 {
        Self.spoil(&pieces, FragmentTrouble.allCases[number / 3 % FragmentTrouble.allCases.count], &chance)
      }
      switch number / 4 % 4 {
      case 1: pieces.reverse()
      case 2: pieces.shuffle(using: &chance)
      default: break
      }
      let (from, to) = number % 3 == 0 ? (MAC.two, MAC.one) : (MAC.one, MAC.two)
      let frame = Self.plain(whole).frame(vlan: vlan, from: from, to: to)
      var frames = pieces.map { (fragment: $0.frame(vlan: vlan, from: from, to: to), whole: frame) }
      // Two datagrams at a time.
      if number % 10 == 4 { frames = zip(before, frames).flatMap { [$0, $1] } + frames.dropFirst(before.count) }
      for (place, piece) in frames.enumerated() {
        // Not all is known of fragments that stay single: a header may be cut, or worse.
        add(piece.fragment, .unknown, of: piece.whole)
        if place % 7 == 3 { add(frame, .sound) }
      }
      before = frames
    }
  }

  /// A small packet of the same conversation.
  private static func plain(_ whole: Datagram) -> Datagram {
    var plain = whole
    if case .ipv6(var header) = whole.network {
      header.headers = []
      plain.network = .ipv6(header)
    }
    if case .udp(let from, let to, _) = whole.transport { plain.transport = .udp(from: from, to: to, payload: [1]) }
    if case .tcp(var segment) = whole.transport {
      segment.payload = [1]
      plain.transport = .tcp(segment)
    }
    return plain
  }

  private static func datagram(_ number: Int, _ chance: inout SeededGenerator) -> Datagram {
    let host = number % 5 + 1
    let base: Datagram
    if number / 2 % 2 == 0 {
      base = .ipv4(
        from: "10.6.0.\(host)", to: "10.6.1.80", id: UInt16(number + 1),
        options: number % 6 == 5 ? [7, 3, 4, 148, 4, 0, 0] : [])
    } else {
      base = .ipv6(from: "2001:db8:6::\(host)", to: "2001:db8:6::80", headers: number % 6 == 5 ? [.hopByHop] : [])
    }
    let length = [30, 200, 1_200, 2_900, 5_000, 12_000][number / 4 % 6]
    let payload = chance.bytes(length)
    // An error about a conversation, by its own server.
    if number % 9 == 8 {
      let quote = Datagram.ipv4(from: "10.6.1.80", to: "10.6.0.\(host)").udp(
        from: 53, to: UInt16(6_000 + host), payload: payload)
      return Datagram.ipv4(from: "10.6.2.\(host)", to: "10.6.1.80", id: UInt16(number + 1))
        .icmp(type: 3, code: 1, id: 0, seq: 0, payload: quote.bytes)
    }
    return number % 7 == 3
      ? base.tcp(from: UInt16(6_000 + host), to: 80, flags: .ack, payload: payload)
      : base.udp(from: UInt16(6_000 + host), to: 53, payload: payload)
  }

  /// Two to forty fragments.
  private static func pieces(of whole: Datagram, _ number: Int, _ chance: inout SeededGenerator) -> [Datagram] {
    let sizes = [
      [8, 16, 32], [8, 64, 104], [64, 400, 640], [320, 1_024, 1_440], [504, 1_280, 1_448], [512, 1_000, 4_000],
    ]
    let size = sizes[number / 4 % 6].randomElement(using: &chance)! & ~7
    return whole.fragments(size: size, id: UInt32(number))
  }

  private static func spoil(_ pieces: inout [Datagram], _ trouble: FragmentTrouble, _ chance: inout SeededGenerator) {
    guard pieces.count > 1 else { return }
    let last = pieces.count - 1
    let some = Int.random(in: 0..<last, using: &chance)
    let (offset, payload) = (pieces[some].fragmentOffset, pieces[some].fragmentPayload)
    let end = pieces[last].fragmentOffset + pieces[last].fragmentPayload.count
    switch trouble {
    case .repeated: pieces.insert(pieces[some], at: some)
    case .overlapping:
      pieces.insert(pieces[some].fragment(at: offset, more: true, payload + chance.bytes(8)), at: some + 1)
    case .inside:
      pieces.append(pieces[0].fragment(at: 0, more: true, Array(pieces[0].fragmentPayload.prefix(8)) + chance.bytes(8)))
    case .missing: pieces.remove(at: some)
    case .secondEnd: pieces.insert(pieces[some].fragment(at: offset, more: false, payload), at: some)
    case .beyondEnd: pieces.append(pieces[last].fragment(at: (end + 15) & ~7, more: true, chance.bytes(8)))
    case .empty: pieces.insert(pieces[some].fragment(at: offset, more: true, []), at: some)
    case .misaligned: pieces[some] = pieces[some].fragment(at: offset, more: true, Array(payload.dropLast()))
    case .oversize: pieces[last] = pieces[last].fragment(at: 65_520, more: false, chance.bytes(100))
    case .crowded:
      pieces = (0..<70).map { pieces[0].fragment(at: 8 * $0, more: $0 < 69, chance.bytes(8)) }
    case .shortHeader:
      pieces.insert(pieces[0].fragment(at: 0, more: true, chance.bytes(8), carrying: 6), at: 0)
    case .moreHeaders:
      let isNested = Bool.random(using: &chance)
      pieces[0] = pieces[0].with(
        isNested ? [.fragment(id: 77, offset: 8, more: true)] : Array(repeating: .destination, count: 16))
    case .mixedECN: pieces[some].trafficClass = 2
    case .congested:
      for i in pieces.indices { pieces[i].trafficClass = 1 + UInt8(i % 2) }
      pieces[some].trafficClass = 3
    case .uncuttable:
      for i in pieces.indices {
        guard case .ipv4(var header) = pieces[i].network else { continue }
        header.dontFragment = true
        pieces[i].network = .ipv4(header)
      }
    }
  }
}

extension Datagram {
  fileprivate var fragmentPayload: [UInt8] { transport.bytes(from: source, to: destination) }

  fileprivate var fragmentOffset: Int {
    switch network {
    case .ipv4(let header): header.offset
    case .ipv6(let header): header.headers.last.map { Int([0, $0.body[1], $0.body[2], 0].word(at: 1) & 0xfff8) } ?? 0
    }
  }

  /// Another fragment of the same datagram.
  fileprivate func fragment(
    at offset: Int, more: Bool, _ payload: [UInt8], carrying number: UInt8? = nil
  ) -> Datagram {
    var fragment = self
    fragment.transport = .raw(protocol: number ?? transport.protocolNumber, payload: payload)
    switch network {
    case .ipv4(var header):
      (header.offset, header.moreFragments) = (offset, more)
      fragment.network = .ipv4(header)
    case .ipv6(var header):
      guard let last = header.headers.popLast() else { return self }
      let id = last.body[3...].reduce(0) { $0 << 8 | UInt32($1) }
      header.headers.append(.fragment(id: id, offset: offset, more: more))
      fragment.network = .ipv6(header)
    }
    return fragment
  }

  /// IPv6: behind the fragment header come others, perhaps more than are read.
  fileprivate func with(_ headers: [ExtensionHeader]) -> Datagram {
    guard case .ipv6(var header) = network else { return self }
    header.headers += headers
    var datagram = self
    datagram.network = .ipv6(header)
    return datagram
  }
}
