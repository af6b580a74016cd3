internal import CDPDK
internal import Logging
internal import Settings
internal import Steering

/// The pools and the started ports of a plan: made together, or not at all.
struct Hardware: Sendable {
  private(set) var pools: [Pool] = []
  private(set) var ports: [Port] = []

  /// Makes the pools, sets the ports up and starts them; takes down again what it made if one of them fails.
  ///
  /// - Parameter ownership: by which ports with several queues spread packets, if they can.
  init(_ plan: Plan, _ ownership: Ownership?, log: Logger) throws(DataPlaneError) {
    do throws(DataPlaneError) {
      for (i, pool) in plan.pools.enumerated() { pools.append(try Pool(pool, index: i)) }
      for port in plan.ports {
        ports.append(
          try unsafe Port(port, settings: plan.settings, pool: pools[port.poolIndex].pool, spreading: ownership?.key))
      }
      for port in ports {
        if let complaint = try port.start(promiscuous: plan.settings.promiscuous) { log.warning("\(complaint)") }
        guard let ownership, ownership.key != nil, port.plan.rxQueues > 1 else { continue }
        if let complaint = port.spread({ plan.queue(ofBucket: $0, of: port.plan, ownership) }) {
          log.warning("\(complaint)")
        }
      }
    } catch {
      takeDown()
      throw error
    }
  }

  /// Stops and closes the ports; their mbufs are back in the pools then.
  func takeDown() {
    for port in ports { port.stop() }
    for port in ports { port.close() }
  }

  /// Makes the pools of a plan and frees them: whether the memory is there.
  static func rehearse(_ plan: Plan) throws(DataPlaneError) {
    for (i, pool) in plan.pools.enumerated() {
      let made = try Pool(pool, index: i)
      unsafe rte_mempool_free(made.pool)
    }
  }
}
