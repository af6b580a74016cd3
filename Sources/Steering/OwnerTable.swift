internal import Primitives
public import Wire

/// A worker's own copy of who owns what: from a packet to the index of its owner.
///
/// Both directions of a flow have one owner. So have, by address pair, all fragments of its datagrams and the ICMP errors
/// about it, which are filed under the datagram they quote. By five-tuple fragments go by their address pair, the first
/// one too: they meet at one worker, where a datagram is put together before its flow is asked for.
///
/// A conntrack zone is no part of it: a reply may come in by a port of another zone, and still is the same flow. Nor are
/// VLAN tags. What has no addresses stays with whoever received it.
public struct OwnerTable: ~Copyable {
  public static let fewestBuckets = 128

  @usableFromInline let me: UInt8
  private let by: SteerBy
  private let secret: HashSecret
  private let isKeyed: Bool
  private let addresses: AddressHash
  private let mask: Int
  /// By group and bucket.
  private let owners: FixedArray<UInt8>
  /// By group: who keeps what this worker received and nobody owns.
  private let homes: FixedArray<UInt8>

  /// - Parameter me: whose table it is.
  public init(_ ownership: Ownership, me: Int) {
    self.me = UInt8(me)
    by = ownership.by
    switch ownership.hash {
    case .keyed(let secret):
      (self.secret, isKeyed) = (secret, true)
      addresses = AddressHash(nil)
    case .toeplitz(let key):
      (secret, isKeyed) = (HashSecret(seed: 0), false)
      addresses = AddressHash(key)
    }
    let buckets = ownership.buckets
    mask = buckets - 1
    owners = FixedArray(
      ownership.owners.indices.flatMap { group in
        (0..<buckets).map { UInt8(ownership.owner(ofBucket: $0, group: group)) }
      })
    homes = FixedArray(ownership.owners.map { UInt8($0.contains(me) ? me : $0[0]) })
  }

  /// The table of a worker that owns all it receives; it is never asked.
  public init() { self.init(Ownership(by: .port, hash: .keyed(HashSecret(seed: 0)), owners: []), me: 0) }

  /// The worker that the table belongs to.
  @inlinable public var worker: UInt8 { me }

  /// Bytes of the frame that `owner` wants to see, from its first; of an ICMP message as many as there are.
  @inline(__always)
  public static func reach(_ summary: Summary) -> UInt32 {
    summary.isWholeICMP ? .max : UInt32(summary.networkOffset) &+ 40
  }

  /// The owner of a packet without a fault.
  ///
  /// - Parameters:
  ///   - frame: at least `reach` bytes of it, or all.
  ///   - group: of the port it came in by.
  /// - Complexity: O(1); one cache line of the table.
  @inline(__always)
  public func owner(of summary: Summary, in frame: RawSpan, group: Int) -> UInt8 {
    if summary.isWholeICMP, let place = quotedBucket(summary, frame) { return owner(of: place, group) }
    let ports = by == .fiveTuple ? FlowPorts(summary) : FlowPorts()
    guard let place = bucket(of: summary, in: frame, ports) else { return homes[group] }
    return owner(of: place, group)
  }

  @inline(__always)
  private func owner(of bucket: Int, _ group: Int) -> UInt8 { owners[group &* (mask &+ 1) &+ bucket] }

  /// Where an ICMP error belongs by what it quotes; `nil` when it goes by its own addresses, as other messages do.
  @inline(never)
  private func quotedBucket(_ summary: Summary, _ frame: RawSpan) -> Int? {
    var quote = Quote()
    guard Quote.read(frame, summary, into: &quote) == .none else { return nil }
    let ports = by == .fiveTuple ? FlowPorts(quote) : FlowPorts()
    return quote.isIPv6
      ? bucket(quote.source, quote.destination, ports)
      : bucket(quote.ipv4Source.bits, quote.ipv4Destination.bits, ports)
  }

  @inline(__always)
  private func bucket(of summary: Summary, in frame: RawSpan, _ ports: FlowPorts) -> Int? {
    let ip = Int(summary.networkOffset)
    if summary.flags.contains(.ipv4) {
      return bucket(frame.word32(at: ip &+ 12), frame.word32(at: ip &+ 16), ports)
    }
    guard summary.flags.contains(.ipv6) else { return nil }
    return bucket(
      IPv6Address(high: frame.word64(at: ip &+ 8), low: frame.word64(at: ip &+ 16)),
      IPv6Address(high: frame.word64(at: ip &+ 24), low: frame.word64(at: ip &+ 32)), ports)
  }

  // MARK: Hashes, the same both ways

  @inline(__always)
  func bucket(_ source: UInt32, _ destination: UInt32, _ ports: FlowPorts) -> Int {
    guard isKeyed else { return Int(addresses.ipv4(source ^ destination)) & mask }
    let a = UInt64(source) << 16 | UInt64(ports.source)
    let b = UInt64(destination) << 16 | UInt64(ports.destination)
    return Int(truncatingIfNeeded: secret.hash(min(a, b), max(a, b) | UInt64(ports.transport) << 48)) & mask
  }

  @inline(__always)
  func bucket(_ source: IPv6Address, _ destination: IPv6Address, _ ports: FlowPorts) -> Int {
    guard isKeyed else {
      return Int(addresses.ipv6(source.high ^ destination.high, source.low ^ destination.low)) & mask
    }
    let ascends = (source.high, source.low, ports.source) <= (destination.high, destination.low, ports.destination)
    let (a, b) = ascends ? (source, destination) : (destination, source)
    let (p, q) = ascends ? (ports.source, ports.destination) : (ports.destination, ports.source)
    let word = UInt64(ports.transport) << 32 | UInt64(p) << 16 | UInt64(q)
    return Int(truncatingIfNeeded: secret.hash(a.high, a.low, b.high, b.low, word)) & mask
  }
}

/// Protocol and ports, as far as they are the same both ways or change places; zeros stand for the address pair alone.
struct FlowPorts: BitwiseCopyable {
  var source: UInt16 = 0
  var destination: UInt16 = 0
  var transport: UInt8 = 0

  init() {}

  @inline(__always)
  init(_ summary: Summary) {
    guard !summary.flags.contains(.fragment) else {
      self.init()
      return
    }
    self.init(summary.transport, summary.sourcePort, summary.destinationPort, query: summary.destinationPort)
  }

  init(_ quote: Quote) {
    self.init(
      quote.transport, quote.sourcePort, quote.destinationPort,
      query: quote.isAnswer ? quote.destinationPort : quote.sourcePort)
  }

  /// - Parameter query: the identifier that a question of ICMP shares with its answer.
  @inline(__always)
  private init(_ transport: UInt8, _ source: UInt16, _ destination: UInt16, query: UInt16) {
    self.transport = transport
    switch transport {
    case IPProtocol.tcp, IPProtocol.udp, IPProtocol.udplite, IPProtocol.sctp:
      (self.source, self.destination) = (source, destination)
    case IPProtocol.icmp, IPProtocol.icmpv6: (self.source, self.destination) = (query, query)
    default: break
    }
  }
}

extension Summary {
  /// An ICMP message that may be an error, which quotes another packet.
  @inline(__always)
  var isWholeICMP: Bool {
    (transport == IPProtocol.icmp || transport == IPProtocol.icmpv6) && !flags.contains(.fragment)
  }
}

extension RawSpan {
  /// Four bytes in host order; they must be there (checked).
  @inline(__always)
  func word32(at offset: Int) -> UInt32 {
    unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  func word64(at offset: Int) -> UInt64 {
    unsafe UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
}
