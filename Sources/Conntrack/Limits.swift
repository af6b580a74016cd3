internal import CSegment
public import Primitives
internal import Tables

/// The limits that all workers share: connections in all, of a zone, of a source address. Made once; each worker gets a
/// `Limits` of its own, and must be done with it before this goes. Those in all and of zones can be changed while workers
/// run: every connection is counted from the start, also where nothing limits it.
///
/// Error bounds are those of the tables below it: a limit is never exceeded; in all and by zone a refusal may come two
/// batches a worker early (`CreditPool`), by source it is exact (`SourceCounts`). A limit that was lowered holds once each
/// worker has returned what it keeps (`Limits.returnAll`).
@safe
public final class SharedLimits: @unchecked Sendable {
  private let total: CreditPool
  private let zones: ZoneCredits
  private let sources: SourceCounts?
  private let sourceLimit: UInt32
  private let secret: HashSecret
  private var memory: [UnsafeMutableRawPointer] = unsafe []
  /// Of zones that have none of their own; 0: none.
  public private(set) var zoneDefault: UInt32
  /// By zone; 0: none, whatever holds for the others.
  public private(set) var zoneLimits: [UInt16: UInt32]

  /// - Parameters:
  ///   - total: connections of all workers together; `nil` or 0: no limit.
  ///   - zoneDefault: of each zone that `zones` does not name; `nil` or 0: no limit.
  ///   - source: of each source address; `nil`: no limit.
  ///   - capacity: connections that the workers' tables hold together: so many sources there may be.
  public init(
    total: UInt32? = nil, zoneDefault: UInt32? = nil, zones: [UInt16: UInt32] = [:], source: UInt32? = nil,
    capacity: Int, secret: HashSecret
  ) {
    self.secret = secret
    sourceLimit = source ?? 0
    self.zoneDefault = zoneDefault ?? 0
    zoneLimits = zones
    var memory = unsafe [UnsafeMutableRawPointer]()
    let zeroed = { (bytes: Int) in
      let room = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      unsafe room.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
      unsafe memory.append(room)
      return unsafe room
    }
    self.total = unsafe CreditPool(memory: zeroed(CreditPool.bytes), limit: Self.credits(total))
    self.zones = unsafe ZoneCredits(memory: zeroed(ZoneCredits.bytes), limit: Self.credits(zoneDefault))
    for (zone, limit) in zones { self.zones.setLimit(Self.credits(limit), zone: zone) }
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
    limits.total = total.lease()
    let room = UnsafeMutableRawPointer.allocate(byteCount: ZoneCredits.Lease.bytes, alignment: 64)
    unsafe room.initializeMemory(as: UInt8.self, repeating: 0, count: ZoneCredits.Lease.bytes)
    unsafe memory.append(room)
    limits.zones = unsafe zones.lease(memory: room)
    limits.sources = sources
    limits.sourceLimit = sourceLimit
    limits.secret = secret
    return limits
  }

  // MARK: Changes; one thread's business

  /// Connections of all workers together; 0: no limit.
  public var totalLimit: UInt32 { total.limit == ZoneCredits.unlimited ? 0 : total.limit }
  public var sourcesLimit: UInt32 { sourceLimit }

  /// - Parameter limit: 0: none.
  public func setTotal(_ limit: UInt32) { total.setLimit(Self.credits(limit)) }

  /// - Parameter limit: 0: none; `nil`: as the others.
  public func setLimit(_ limit: UInt32?, zone: UInt16) {
    zoneLimits[zone] = limit
    zones.setLimit(Self.credits(limit ?? zoneDefault), zone: zone)
  }

  private static func credits(_ limit: UInt32?) -> UInt32 {
    guard let limit, limit > 0 else { return ZoneCredits.unlimited }
    return limit
  }

  /// Of all zones that have none of their own.
  ///
  /// - Parameter limit: 0: none.
  public func setZoneDefault(_ limit: UInt32) {
    zoneDefault = limit
    for zone in 0...UInt16.max where zoneLimits[zone] == nil { setLimit(nil, zone: zone) }
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
    give(zone: tuple.zone)
    if let place { sources?.give(hash(tuple, pair), place: place) }
  }

  /// The same of one that no source counts.
  mutating func give(zone: UInt16) {
    zones?.give(zone: zone)
    total?.give()
  }

  /// Returns what is kept of those zones, and in all: a limit has changed. O(zones).
  mutating func returnAll(_ kept: ClosedRange<UInt16>) {
    zones?.returnAll(kept)
    total?.returnAll()
  }

  private func hash(_ tuple: Tuple, _ pair: IPv6Pair) -> UInt64 {
    tuple.isIPv6
      ? secret.hash(pair.source.high, pair.source.low, UInt64(tuple.zone) << 1 | 1)
      : secret.hash(UInt64(tuple.source), 0, UInt64(tuple.zone) << 1)
  }
}
