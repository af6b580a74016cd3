internal import CDPDK
internal import Glibc
internal import Pipeline
internal import Primitives
internal import Settings
internal import Steering

/// A port of the EAL, from set-up to close.
struct Port: Sendable {
  let plan: Plan.Port
  let limits: DriverLimits
  let finishesChecksums: Bool
  let cutsSegments: Bool
  private let spreadTable: Int
  /// As it was found, and is left: kernel interfaces keep both.
  private let foundPromiscuous: Bool
  private let foundMTU: UInt16

  var number: UInt16 { UInt16(plan.id) }

  // MARK: Facts

  /// What the EAL knows of a port.
  static func facts(_ number: UInt16) throws(DataPlaneError) -> PortFacts {
    let raw = try rawFacts(number)
    return PortFacts(
      id: Int(number), device: text(raw.device), driver: text(raw.driver), socket: Int(raw.socket),
      maxRxQueues: Int(raw.rx_queues_max), maxTxQueues: Int(raw.tx_queues_max),
      rxDescriptors: DescriptorLimits(
        min: Int(raw.rx_descriptors_min), max: Int(raw.rx_descriptors_max), align: Int(raw.rx_descriptors_align)),
      txDescriptors: DescriptorLimits(
        min: Int(raw.tx_descriptors_min), max: Int(raw.tx_descriptors_max), align: Int(raw.tx_descriptors_align)),
      maxMTU: Int(raw.mtu_max), verifiesChecksums: raw.rx_checksum_l4, spreadTable: Int(raw.spread_table))
  }

  private static func rawFacts(_ number: UInt16) throws(DataPlaneError) -> cdpdk_port_facts {
    var raw = cdpdk_port_facts()
    let failed = unsafe cdpdk_port_facts(number, &raw)
    guard failed == 0 else { throw .call("port \(number), information", cause: EAL.errorText(failed)) }
    return raw
  }

  /// The text in a char array.
  private static func text<Characters>(_ characters: Characters) -> String {
    unsafe withUnsafeBytes(of: characters) { bytes in unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
  }

  // MARK: Life

  /// Configures the port by its plan; it is not started yet.
  ///
  /// - Parameters:
  ///   - pool: whose mbufs its receive queues take.
  ///   - spreading: the key by which it spreads packets over its queues; `nil`: one of its own.
  init(
    _ plan: Plan.Port, settings: Settings, pool: OpaquePointer, spreading key: SymmetricKey?
  ) throws(DataPlaneError) {
    let raw = try Self.rawFacts(UInt16(plan.id))
    var setup = unsafe cdpdk_port_setup()
    unsafe setup.rx_queues = UInt16(plan.rxQueues)
    unsafe setup.tx_queues = UInt16(plan.txQueues)
    unsafe setup.rx_descriptors = UInt16(plan.rxDescriptors)
    unsafe setup.tx_descriptors = UInt16(plan.txDescriptors)
    unsafe setup.mtu = UInt16(settings.mtu ?? 0)
    unsafe setup.rx_checksum_l4 = settings.rxChecksum == .hardware
    // A frame longer than one buffer arrives as a chain where the port can do that, and is refused by it elsewhere.
    unsafe setup.rx_scatter = raw.rx_scatter
    unsafe setup.tx_checksum_l4 = raw.tx_checksum_l4
    unsafe setup.tx_tso = raw.tx_tso
    unsafe setup.rss = true
    unsafe setup.pool = pool
    var step: UnsafePointer<CChar>?
    let bytes = key?.bytes ?? []
    let failed = unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe setup.spread_key = bytes.isEmpty ? nil : bytes.baseAddress
      return unsafe cdpdk_port_setup(UInt16(plan.id), &setup, &step)
    }
    guard failed == 0 else {
      let place = unsafe step.map { unsafe String(cString: $0) } ?? "set-up"
      throw .call("port \(plan.id) (\(plan.name)), \(place)", cause: EAL.errorText(failed))
    }
    self.plan = plan
    limits = DriverLimits(driver: plan.driver)
    finishesChecksums = raw.tx_checksum_l4
    cutsSegments = raw.tx_tso
    spreadTable = Int(raw.spread_table)
    foundPromiscuous = rte_eth_promiscuous_get(UInt16(plan.id)) == 1
    foundMTU = raw.mtu
  }

  /// - Returns: a sentence when the port does not listen as it was told to.
  func start(promiscuous: Bool) throws(DataPlaneError) -> String? {
    let failed = rte_eth_dev_start(number)
    guard failed == 0 else { throw .call("port \(plan.id) (\(plan.name)), start", cause: EAL.errorText(failed)) }
    let refused = promiscuous ? rte_eth_promiscuous_enable(number) : rte_eth_promiscuous_disable(number)
    if promiscuous { _ = rte_eth_allmulticast_enable(number) }
    // Drivers without such a switch hear everything anyway.
    guard refused != 0, refused != -ENOTSUP else { return nil }
    return "\(plan.name): promiscuous mode cannot be turned \(promiscuous ? "on" : "off"): \(EAL.errorText(refused))"
  }

  /// Has the started port send each packet to a queue of its owner's, as far as it can tell.
  ///
  /// - Parameter queue: of a bucket.
  /// - Returns: a sentence when it cannot; packets are handed over more often then, and nothing else happens.
  func spread(_ queue: (Int) -> Int) -> String? {
    let queues = (0..<spreadTable).map { UInt16(queue($0)) }
    let failed = unsafe cdpdk_port_spread(number, queues, UInt16(queues.count))
    return failed == 0 ? nil : "\(plan.name) spreads packets in its own way: \(EAL.errorText(failed))"
  }

  var isPromiscuous: Bool { rte_eth_promiscuous_get(number) == 1 }

  func stop() {
    if !foundPromiscuous { _ = rte_eth_promiscuous_disable(number) }
    _ = rte_eth_dev_stop(number)
    if mtu != foundMTU { _ = rte_eth_dev_set_mtu(number, foundMTU) }
  }

  func close() { _ = rte_eth_dev_close(number) }

  // MARK: While it runs

  /// Where packets that came in by the other port of the pair leave.
  func egress(mtu: Int?) -> Egress {
    Egress(
      port: PortID(rawValue: number), mtu: mtu.map(UInt16.init), longest: limits.longest,
      longestChained: limits.longestChained, finishesChecksums: finishesChecksums, cutsSegments: cutsSegments)
  }

  var statistics: rte_eth_stats {
    var statistics = rte_eth_stats()
    _ = unsafe rte_eth_stats_get(number, &statistics)
    return statistics
  }

  /// Whether the link is up, and its speed in Mbps (0: not known).
  var link: (up: Bool, speed: UInt32) {
    var up = false
    var speed: UInt32 = 0
    // A driver that does not know counts as up: it cannot say when to send again.
    if unsafe cdpdk_port_link(number, &speed, &up) != 0 { up = true }
    if limits.assumesLink { up = cdpdk_interface_up(number) }
    return (up, speed == UInt32(RTE_ETH_SPEED_NUM_UNKNOWN) ? 0 : speed)
  }

  var mtu: UInt32 {
    var mtu: UInt16 = 0
    _ = unsafe rte_eth_dev_get_mtu(number, &mtu)
    return UInt32(mtu)
  }

  var mac: [UInt8] {
    var address = rte_ether_addr()
    _ = unsafe rte_eth_macaddr_get(number, &address)
    return unsafe withUnsafeBytes(of: address.addr_bytes) { unsafe Array($0) }
  }

  /// Takes the port's own end of the link up or down; `false` when the driver cannot.
  func setLink(up: Bool) -> Bool {
    (up ? rte_eth_dev_set_link_up(number) : rte_eth_dev_set_link_down(number)) == 0
  }
}
