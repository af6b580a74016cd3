/// A datagram that was put together from frames in the order in which they were sent, by the RFCs alone.
public struct Defragmented: Hashable, Sendable {
  public let source: Address
  public let destination: Address
  public let identification: UInt32
  /// Behind the fragment header for IPv6, where it may be another extension header.
  public let transport: UInt8
  public let payload: [UInt8]
  /// The places of its frames among all.
  public let frames: [Int]

  /// The fragments in `frames` that make whole datagrams, one behind the other and in the order of their offsets; `nil`
  /// when any fragment does not stand in such a row.
  public static func all(in frames: [Frame]) -> [Defragmented]? {
    var whole: [Defragmented] = []
    var row: (first: FragmentPiece, payload: [UInt8], frames: [Int])?
    for (place, frame) in frames.enumerated() {
      guard let piece = FragmentPiece(frame) else {
        if row != nil { return nil }
        continue
      }
      if piece.offset == 0 {
        if row != nil { return nil }
        row = (piece, [], [])
      }
      guard let open = row, open.first.key == piece.key, piece.offset == open.payload.count else { return nil }
      row!.payload += piece.payload
      row!.frames.append(place)
      guard !piece.more else { continue }
      whole.append(
        Defragmented(
          source: piece.source, destination: piece.destination, identification: piece.identification,
          transport: open.first.transport, payload: row!.payload, frames: row!.frames))
      row = nil
    }
    return row == nil ? whole : nil
  }
}

/// One fragment with what it carries; `nil` for anything else.
public struct FragmentPiece: Hashable, Sendable {
  public let key: [UInt8]
  public let source: Address
  public let destination: Address
  public let identification: UInt32
  public let transport: UInt8
  public let offset: Int
  public let more: Bool
  public let payload: [UInt8]
  /// The IP packet with its headers, in bytes.
  public let packetLength: Int
  /// The traffic class's two lowest bits.
  public let ecn: UInt8
  /// Of IPv4.
  public let options: [UInt8]

  public init?(_ frame: Frame) {
    guard frame.headerFault == nil, let reading = frame.fragment else { return nil }
    let (bytes, ip) = (frame.bytes, reading.network)
    let size = reading.isIPv6 ? 16 : 4
    let addresses = ip + (reading.isIPv6 ? 8 : 12)
    key = reading.key
    source = Address(bytes: Array(bytes[addresses..<addresses + size]))
    destination = Address(bytes: Array(bytes[addresses + size..<addresses + 2 * size]))
    identification =
      reading.isIPv6
      ? bytes[reading.payload.lowerBound - 4..<reading.payload.lowerBound].reduce(0) { $0 << 8 | UInt32($1) }
      : UInt32(bytes.word(at: ip + 4))
    (transport, offset, more, ecn) = (reading.next, reading.offset, reading.more, reading.ecn)
    payload = Array(bytes[reading.payload])
    packetLength = reading.payload.upperBound - ip
    options = reading.isIPv6 ? [] : Array(bytes[ip + 20..<reading.payload.lowerBound])
  }
}

/// How fragments that went in came out: those of a datagram one behind the other by their offsets, unchanged. Other
/// frames are passed by.
public struct DatagramCrossing: Sendable {
  /// How many came out.
  public private(set) var crossed = 0
  /// Positions in the input of those that did not, though nothing was wrong with their datagram.
  public private(set) var lost: [Int] = []
  /// The same of datagrams that were not whole, or of which there was more than is right.
  public private(set) var unfinished: [Int] = []
  /// Position in the output of the first that is of no such row, or not as it came.
  public private(set) var stray: Int?

  public init(from input: [Frame], to output: [Frame]) {
    let datagrams = Self.datagrams(in: input)
    var whole = Dictionary(grouping: datagrams.whole) { input[$0[0]] }
    var doubtful = Dictionary(grouping: datagrams.doubtful) { input[$0] }
    var at = 0
    while at < output.count {
      guard let piece = FragmentPiece(output[at]) else {
        at += 1
        continue
      }
      var row = [output[at]]
      while piece.offset == 0, at + row.count < output.count, FragmentPiece(row.last!)?.more == true,
        FragmentPiece(output[at + row.count])?.key == piece.key
      { row.append(output[at + row.count]) }
      if let place = whole[row[0]]?.firstIndex(where: { $0.map { input[$0] } == row }) {
        whole[row[0]]!.remove(at: place)
      } else {
        for frame in row where doubtful[frame]?.popLast() == nil { stray = stray ?? at }
      }
      crossed += row.count
      at += row.count
    }
    lost = whole.values.flatMap { $0.flatMap(\.self) }.sorted()
    unfinished = doubtful.values.flatMap(\.self).sorted()
  }

  /// Positions of the fragments of each datagram that is whole and beyond doubt, by their offsets, and of all others.
  private static func datagrams(in frames: [Frame]) -> (whole: [[Int]], doubtful: [Int]) {
    var whole: [[Int]] = []
    var open: [[UInt8]: [(position: Int, piece: FragmentPiece)]] = [:]
    var isDoubtful: Set<[UInt8]> = []
    for (position, frame) in frames.enumerated() {
      guard let piece = FragmentPiece(frame) else { continue }
      open[piece.key, default: []].append((position, piece))
      let pieces = open[piece.key]!.sorted { $0.piece.offset < $1.piece.offset }
      // Too many, data that is there twice or lies behind the end, an odd length, hardly a header.
      let isOdd =
        pieces.count > 64 || piece.payload.isEmpty || piece.more && piece.payload.count % 8 != 0
        || piece.offset == 0 && piece.payload.count < 60 && piece.source.isIPv6
        || zip(pieces, pieces.dropFirst()).contains {
          $0.piece.offset + $0.piece.payload.count > $1.piece.offset || !$0.piece.more
        }
      if isOdd { isDoubtful.insert(piece.key) }
      guard !isDoubtful.contains(piece.key) else { continue }
      if putTogether(pieces.map { ($0.piece.offset, $0.piece.more, $0.piece.payload) }) != nil {
        whole.append(pieces.map(\.position))
        open[piece.key] = nil
      }
    }
    return (whole, open.values.flatMap { $0.map(\.position) }.sorted())
  }
}
