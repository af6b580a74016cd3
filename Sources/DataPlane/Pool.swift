internal import CDPDK
internal import Settings

/// The mbufs for the ports of one socket.
@safe
struct Pool: @unchecked Sendable {
  let name: String
  let plan: Plan.Pool
  let pool: OpaquePointer
  let elementSize: UInt32

  init(_ plan: Plan.Pool, index: Int) throws(DataPlaneError) {
    name = "mbufs-\(index)"
    self.plan = plan
    elementSize = cdpdk_element_size(UInt16(plan.mbufSize))
    let made = unsafe rte_pktmbuf_pool_create(
      name, UInt32(plan.mbufs), UInt32(plan.cache), 0, UInt16(plan.mbufSize), Int32(plan.socket))
    guard let made = unsafe made else {
      throw .call(
        "pool of \(plan.mbufs) mbufs of \(plan.mbufSize) bytes, \((plan.mbufs * Int(elementSize)) >> 20) MiB",
        cause: EAL.errorText(cdpdk_errno()))
    }
    unsafe pool = made
  }

  /// Mbufs that are not free, and free ones that lie in lcore caches.
  var inUse: Int { unsafe Int(rte_mempool_in_use_count(pool)) }
  var cached: Int { unsafe Int(cdpdk_mempool_cached(pool)) }
}
