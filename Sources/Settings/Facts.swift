/// What a port is and can do, as its driver reports it.
public struct PortFacts: Equatable, Sendable {
  public var id: Int
  public var device: String  // net_pcap0, 0000:03:00.0
  public var driver: String  // net_pcap, net_ixgbe
  /// The NUMA node; negative when the device has none.
  public var socket: Int
  public var maxRxQueues: Int
  public var maxTxQueues: Int
  public var rxDescriptors: DescriptorLimits
  public var txDescriptors: DescriptorLimits
  /// Bytes of a layer 3 packet.
  public var maxMTU: Int
  /// Whether it verifies the checksums above IP.
  public var verifiesChecksums: Bool
  /// Entries of its table if it can spread packets over its queues by the addresses of both IP versions, with a key that
  /// it is given; else 0.
  public var spreadTable: Int

  public init(
    id: Int, device: String, driver: String, socket: Int = -1, maxRxQueues: Int, maxTxQueues: Int,
    rxDescriptors: DescriptorLimits = DescriptorLimits(), txDescriptors: DescriptorLimits = DescriptorLimits(),
    maxMTU: Int = 65535, verifiesChecksums: Bool = false, spreadTable: Int = 0
  ) {
    self.id = id
    self.device = device
    self.driver = driver
    self.socket = socket
    self.maxRxQueues = maxRxQueues
    self.maxTxQueues = maxTxQueues
    self.rxDescriptors = rxDescriptors
    self.txDescriptors = txDescriptors
    self.maxMTU = maxMTU
    self.verifiesChecksums = verifiesChecksums
    self.spreadTable = spreadTable
  }
}

/// How many descriptors a queue may have; virtual ports report zeros for what they do not care about.
public struct DescriptorLimits: Equatable, Sendable {
  public var min: Int
  public var max: Int
  public var align: Int

  public init(min: Int = 0, max: Int = 65535, align: Int = 1) {
    self.min = min
    self.max = max
    self.align = align
  }

  /// The allowed number next to `wanted`: rounded up to the alignment, then brought between the limits.
  func nearest(to wanted: Int) -> Int {
    let step = Swift.max(align, 1)
    let aligned = (wanted + step - 1) / step * step
    return Swift.max(min, max > 0 ? Swift.min(aligned, max) : aligned)
  }
}

/// An lcore that EAL was given.
public struct LcoreFacts: Equatable, Sendable {
  public var id: Int
  public var socket: Int
  public var isMain: Bool

  public init(id: Int, socket: Int = 0, isMain: Bool = false) {
    self.id = id
    self.socket = socket
    self.isMain = isMain
  }
}
