/// The most packet buffers of one pool that can be in use at the same moment, by where they are.
public struct PoolNeed: Equatable, Sendable {
  /// Waiting in the receive rings of the pool's ports.
  public var receiveRings = 0
  /// Waiting in the transmit rings of their pairs.
  public var transmitRings = 0
  /// Kept by lcores for themselves: DPDK lets such a cache grow to one and a half of its size.
  public var caches = 0
  /// On their way from one worker to another.
  public var handoffRings = 0
  /// Held until the datagrams they belong to are whole.
  public var fragments = 0
  /// Received and not yet decided.
  public var bursts = 0
  /// Decided and not yet sent: two bursts for each worker and port it sends on, and a datagram in fragments, which
  /// leaves together.
  public var egressBuffers = 0

  public var total: Int { receiveRings + transmitRings + caches + handoffRings + fragments + bursts + egressBuffers }
}

extension Plan.Pool {
  /// A pool of `wanted` buffers, or of a quarter more than it needs; `nil` and the need when `wanted` is less than it
  /// needs with the smallest cache.
  static func sized(
    socket: Int, wanted: Int?, mbufSize: Int, lcores: Int, need: PoolNeed
  ) -> (pool: Plan.Pool?, need: PoolNeed) {
    var need = need
    let caches = wanted == nil ? [256] : [256, 128, 64, 32]
    for cache in caches {
      need.caches = lcores * cache * 3 / 2
      let mbufs = wanted ?? standard(need: need.total, mbufSize: mbufSize)
      guard need.total <= mbufs, cache * 3 / 2 <= mbufs else { continue }
      return (Plan.Pool(socket: socket, mbufs: mbufs, mbufSize: mbufSize, cache: cache, need: need), need)
    }
    return (nil, need)
  }

  /// A quarter more than needed (32,768 at most), at least 8191 unless those took more than 256 MiB, and one less than a multiple of
  /// 1024, since DPDK's ring of free buffers holds one less than a power of two. Starts within `-m 512` unless rings
  /// are many or large.
  private static func standard(need: Int, mbufSize: Int) -> Int {
    let affordable = (256 << 20) / elementSize(mbufSize: mbufSize)
    let wish = max(need + min(need / 4, 32_768), min(8191, affordable))
    return (wish + 1024) / 1024 * 1024 - 1
  }

  /// Bytes that a buffer takes in memory: the mempool's header, `rte_mbuf`, the buffer, and the cache line by which
  /// DPDK spreads elements over memory channels. An estimate; DPDK does not say before it allocates.
  static func elementSize(mbufSize: Int) -> Int {
    (64 + 128 + mbufSize + 63) / 64 * 64 + 64
  }

  /// An estimate of the memory it takes.
  public var bytes: Int { mbufs * Self.elementSize(mbufSize: mbufSize) }
}
