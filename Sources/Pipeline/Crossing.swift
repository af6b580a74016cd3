public import Primitives

/// What becomes of packets that came in by one port: whose they are and where they leave.
public struct Crossing: BitwiseCopyable, Sendable {
  /// The port they came in by.
  public let port: PortID
  public internal(set) var egress: Egress
  /// The place of the egress port's queue among the worker's transmit queues; -1 when it has none there.
  let transmit: Int16
  /// The port's group in the owner table; -1: whoever receives a packet owns it.
  let group: Int16

  /// - Parameters:
  ///   - transmit: -1 when the port belongs to no pair, or others own all that comes in by it.
  ///   - group: -1 when there is nobody to hand a packet to.
  public init(port: PortID, egress: Egress, transmit: Int, group: Int = -1) {
    self.port = port
    self.egress = egress
    self.transmit = Int16(transmit)
    self.group = Int16(group)
  }
}
