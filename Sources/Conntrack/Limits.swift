internal import CSegment
public import Primitives
internal import Tables

/// The limits that all workers share: connections in all, of a zone, of a source address. Made once; each worker gets a
/// `Limits` of its own, and must be done with it before this goes.
///
/// Error bounds are those of the tables below it: a limit is never exceeded; in all and by zone a refusal may come two
/// batches a worker early (`CreditPool`), by source it is exact (`SourceCounts`).
@safe
public final class SharedLimits {
  private let total: CreditPool?
  private let zones: ZoneCredits?
  private let sources: SourceCounts?
  private let sourceLimit: UInt32
  private let secret: HashSecret
  private var memory: [UnsafeMutableRawPointer] = unsafe []

  /// - Parameters:
  ///   - total: connections of all workers together; `nil`: no limit.
  ///   - zoneDefault: of each zone that `zones` does not name; `nil`: no limit.
  ///   - source: of each source address; `nil`: no limit.
  ///   - capacity: connections that the workers' tables hold together: so many sources there may be.
  public init(
    total: UInt32? = nil, zoneDefault: UInt32? = nil, zones: [UInt16: UInt32] = [:], source: UInt32? = nil,
    capacity: Int, secret: HashSecret
  ) {
    self.secret = secret
    sourceLimit = source ?? 0
    var memory = unsafe [UnsafeMutableRawPointer]()
    let zeroed = { (bytes: Int) in
      let room = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      unsafe room.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
      unsafe memory.append(room)
      return unsafe room
    }
    self.total = total.map { unsafe CreditPool(memory: zeroed(CreditPool.bytes), limit: $0) }
    if zoneDefault != nil || !zones.isEmpty {
      let credits = unsafe ZoneCredits(
        memory: zeroed(ZoneCredits.bytes), limit: zoneDefault ?? ZoneCredits.unlimited)
      for (zone, limit) in zones { credits.setLimit(limit, zone: zone) }
      self.zones = credits
    } else {
      self.zones = nil
    }
    sources = source.map { _ in
      unsafe SourceCounts(memory: zeroed(SourceCounts.bytes(sources: capacity)), sources: capacity)
    }
    unsafe self.memory = unsafe memory
  }

  deinit {
    for i in unsafe memory.indices { unsafe memory[i].deallocate() }
  }

  /// A worker's own access.
  public func worker() -> Limits {
    var limits = Limits()
    if let total { limits.total = total.lease() }
    if let zones {
      let room = UnsafeMutableRawPointer.allocate(byteCount: ZoneCredits.Lease.bytes, alignment: 64)
      unsafe room.initializeMemory(as: UInt8.self, repeating: 0, count: ZoneCredits.Lease.bytes)
      unsafe memory.append(room)
      limits.zones = unsafe zones.lease(memory: room)
    }
    limits.sources = sources
    limits.sourceLimit = sourceLimit
    limits.secret = secret
    return limits
  }
}

/// One worker's credits.
public struct Limits: ~Copyable {
  fileprivate var total: CreditPool.Lease?
  fileprivate var zones: ZoneCredits.Lease?
  fileprivate var sources: SourceCounts?
  fileprivate var sourceLimit: UInt32 = 0
  fileprivate var secret = HashSecret(seed: 0)

  /// No limits.
  public init() {}

  /// What a new connection was given, or why it was given nothing.
  enum Grant: BitwiseCopyable {
    /// - Parameter place: where its source counts it, which must be told of its end; `nil`: nowhere.
    case granted(place: UInt8?)
    case refused(Refusal)
  }

  /// Credits for a connection.
  mutating func take(_ tuple: Tuple, _ pair: IPv6Pair) -> Grant {
    if zones?.take(zone: tuple.zone) == false { return .refused(.zoneReached) }
    if total?.take() == false {
      zones?.give(zone: tuple.zone)
      return .refused(.totalReached)
    }
    guard let sources else { return .granted(place: nil) }
    switch sources.take(hash(tuple, pair), limit: sourceLimit) {
    case .taken(let place): return .granted(place: place)
    case .noRoom: return .granted(place: nil)
    case .refused:
      total?.give()
      zones?.give(zone: tuple.zone)
      return .refused(.sourceReached)
    }
  }

  /// The connection is gone.
  mutating func give(_ tuple: Tuple, _ pair: IPv6Pair, place: UInt8?) {
    zones?.give(zone: tuple.zone)
    total?.give()
    if let place { sources?.give(hash(tuple, pair), place: place) }
  }

  /// Whether there is anything to take and give at all.
  var areNone: Bool { total == nil && zones == nil && sources == nil }

  private func hash(_ tuple: Tuple, _ pair: IPv6Pair) -> UInt64 {
    tuple.isIPv6
      ? secret.hash(pair.source.high, pair.source.low, UInt64(tuple.zone) << 1 | 1)
      : secret.hash(UInt64(tuple.source), 0, UInt64(tuple.zone) << 1)
  }
}
