public import Primitives
public import Wire

/// A worker's own copy of who owns what: from a packet to the index of its owner.
///
/// Both directions of a flow have one owner. So have, by address pair, all fragments of its datagrams and the ICMP errors
/// about it, which are filed under the datagram they quote. By five-tuple fragments go by their address pair, the first
/// one too: they meet at one worker, where a datagram is put together before its flow is asked for.
///
/// A conntrack zone is no part of it: a reply may come in by a port of another zone, and still is the same flow. Nor are
/// VLAN tags. What has no addresses stays with whoever received it.
@safe
public struct OwnerTable: ~Copyable {
  public static let fewestBuckets = 128

  /// Behind a pointer: whoever borrows a table of some size for a call copies it first.
  @usableFromInline let parts: UnsafeMutablePointer<Parts>

  @usableFromInline
  struct Parts: ~Copyable {
    @usableFromInline let me: UInt8
    @usableFromInline let by: SteerBy
    @usableFromInline let isKeyed: Bool
    @usableFromInline let mask: Int
    @usableFromInline let secret: HashSecret
    @usableFromInline let addresses: AddressHash
    /// By group and bucket.
    @usableFromInline let owners: FixedArray<UInt8>
    /// By group: who keeps what this worker received and nobody owns.
    @usableFromInline let homes: FixedArray<UInt8>

    init(_ ownership: Ownership, me: Int) {
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
  }

  /// - Parameter me: whose table it is.
  public init(_ ownership: Ownership, me: Int) {
    unsafe parts = .allocate(capacity: 1)
    unsafe parts.initialize(to: Parts(ownership, me: me))
  }

  deinit {
    unsafe parts.deinitialize(count: 1)
    unsafe parts.deallocate()
  }

  /// The table of a worker that owns all it receives; it is never asked.
  public init() { self.init(Ownership(by: .port, hash: .keyed(HashSecret(seed: 0)), owners: []), me: 0) }

  /// The fragments of a datagram may meet at another worker than the one that owns its flow.
  @inlinable public var isByPorts: Bool { unsafe parts.pointee.by == .fiveTuple }

  /// The worker that the table belongs to.
  @inlinable public var worker: UInt8 { unsafe parts.pointee.me }

  /// Bytes of the frame that `owner` wants to see, from its first; of an ICMP message as many as there are.
  @inlinable @inline(__always)
  public static func reach(_ summary: Summary) -> UInt32 {
    summary.isWholeICMP ? .max : UInt32(summary.networkOffset) &+ 40
  }

  /// The owner of a packet without a fault.
  ///
  /// - Parameters:
  ///   - frame: at least `reach` bytes of it, or all.
  ///   - group: of the port it came in by.
  /// - Complexity: O(1); one cache line of the table.
  @inlinable @inline(__always)
  public func owner(of summary: Summary, in frame: RawSpan, group: Int) -> UInt8 {
    if summary.isWholeICMP, let place = quotedBucket(summary, frame) { return owner(of: place, group) }
    let ports = unsafe parts.pointee.by == .fiveTuple ? FlowPorts(summary) : FlowPorts()
    guard let place = bucket(of: summary, in: frame, ports) else { return unsafe parts.pointee.homes[group] }
    return owner(of: place, group)
  }

  /// The owner of a flow, by the addresses and ports of its first packet.
  ///
  /// - Parameters:
  ///   - source, destination: IPv4 in the first four bytes.
  ///   - ports: as connections have them: of ICMP the first is the identifier.
  public func owner(
    of source: IPv6Address, _ destination: IPv6Address, isIPv6: Bool, transport: UInt8, ports: (UInt16, UInt16),
    group: Int
  ) -> UInt8 {
    let flow = isByPorts ? FlowPorts(transport, ports.0, ports.1, query: ports.0) : FlowPorts()
    let place =
      isIPv6
      ? bucket(source, destination, flow)
      : bucket(UInt32(source.high >> 32), UInt32(destination.high >> 32), flow)
    return owner(of: place, group)
  }

  @inlinable @inline(__always)
  func owner(of bucket: Int, _ group: Int) -> UInt8 {
    unsafe parts.pointee.owners[group &* (parts.pointee.mask &+ 1) &+ bucket]
  }

  /// Where an ICMP error belongs by what it quotes; `nil` when it goes by its own addresses, as other messages do.
  @usableFromInline @inline(never)
  func quotedBucket(_ summary: Summary, _ frame: RawSpan) -> Int? {
    var quote = Quote()
    guard Quote.read(frame, summary, into: &quote) == .none else { return nil }
    let ports = unsafe parts.pointee.by == .fiveTuple ? FlowPorts(quote) : FlowPorts()
    return quote.isIPv6
      ? bucket(quote.source, quote.destination, ports)
      : bucket(quote.ipv4Source.bits, quote.ipv4Destination.bits, ports)
  }

  @inlinable @inline(__always)
  func bucket(of summary: Summary, in frame: RawSpan, _ ports: FlowPorts) -> Int? {
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

  @inlinable @inline(__always)
  func bucket(_ source: UInt32, _ destination: UInt32, _ ports: FlowPorts) -> Int {
    guard unsafe parts.pointee.isKeyed else {
      return unsafe Int(parts.pointee.addresses.ipv4(source ^ destination)) & parts.pointee.mask
    }
    let a = UInt64(source) << 16 | UInt64(ports.source)
    let b = UInt64(destination) << 16 | UInt64(ports.destination)
    return unsafe Int(
      truncatingIfNeeded: parts.pointee.secret.hash(min(a, b), max(a, b) | UInt64(ports.transport) << 48))
      & parts.pointee.mask
  }

  @inlinable @inline(__always)
  func bucket(_ source: IPv6Address, _ destination: IPv6Address, _ ports: FlowPorts) -> Int {
    guard unsafe parts.pointee.isKeyed else {
      let both = (high: source.high ^ destination.high, low: source.low ^ destination.low)
      return unsafe Int(parts.pointee.addresses.ipv6(both.high, both.low)) & parts.pointee.mask
    }
    let ascends = (source.high, source.low, ports.source) <= (destination.high, destination.low, ports.destination)
    let (a, b) = ascends ? (source, destination) : (destination, source)
    let (p, q) = ascends ? (ports.source, ports.destination) : (ports.destination, ports.source)
    let word = UInt64(ports.transport) << 32 | UInt64(p) << 16 | UInt64(q)
    return unsafe Int(truncatingIfNeeded: parts.pointee.secret.hash(a.high, a.low, b.high, b.low, word))
      & parts.pointee.mask
  }
}

/// Protocol and ports, as far as they are the same both ways or change places; zeros stand for the address pair alone.
@usableFromInline
struct FlowPorts: BitwiseCopyable {
  @usableFromInline var source: UInt16 = 0
  @usableFromInline var destination: UInt16 = 0
  @usableFromInline var transport: UInt8 = 0

  @inlinable
  init() {}

  @inlinable @inline(__always)
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
  @inlinable @inline(__always)
  init(_ transport: UInt8, _ source: UInt16, _ destination: UInt16, query: UInt16) {
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
  @inlinable @inline(__always)
  public var isWholeICMP: Bool {
    (transport == IPProtocol.icmp || transport == IPProtocol.icmpv6) && !flags.contains(.fragment)
  }
}

extension RawSpan {
  /// Four bytes in host order; they must be there (checked).
  @inlinable @inline(__always)
  func word32(at offset: Int) -> UInt32 {
    unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inlinable @inline(__always)
  func word64(at offset: Int) -> UInt64 {
    unsafe UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
}
