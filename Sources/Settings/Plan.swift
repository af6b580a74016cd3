/// What will be set up: ports, queues, lcores and memory, all checked against each other. `DataPlane` does what it says
/// and decides nothing of its own.
public struct Plan: Equatable, Sendable {
  /// A paired port. Ports without a pair are left alone.
  public struct Port: Equatable, Sendable {
    public let id: Int
    public let name: String
    public let device: String
    public let driver: String
    /// The port that sends what this one receives, and the other way round.
    public let pair: Int
    public let socket: Int
    public let rxQueues: Int
    public let txQueues: Int
    public let rxDescriptors: Int
    public let txDescriptors: Int
    /// `nil`: what the port is set to.
    public let mtu: Int?
    /// Its packets' pool, an index into `pools`.
    public let poolIndex: Int
  }

  /// An lcore that polls queues. Each queue, of either direction, belongs to one worker.
  public struct Worker: Equatable, Sendable {
    public let lcore: Int
    public let socket: Int
    public let receive: [PortQueue]
    public let transmit: [PortQueue]
  }

  /// A pool of packet buffers for the ports of one socket.
  public struct Pool: Equatable, Sendable {
    public let socket: Int
    public let mbufs: Int
    public let mbufSize: Int
    /// Buffers that each lcore may keep for itself.
    public let cache: Int
    public let need: PoolNeed
  }

  public let settings: Settings
  /// By number.
  public let ports: [Port]
  /// By lcore; every worker has a queue to poll.
  public let workers: [Worker]
  /// By socket.
  public let pools: [Pool]
  /// There is one lcore only, so that main polls besides supervising.
  public let supervisorPolls: Bool
  public let idleLcores: [Int]
  public let unusedPorts: [Int]
  /// What differs from what was asked for, or will surprise; a sentence each.
  public let notes: [String]

  /// Checks the settings against what is there.
  ///
  /// - Throws: everything that is wrong, not only the first.
  public static func make(settings: Settings, ports: [PortFacts], lcores: [LcoreFacts]) throws(PlanError) -> Plan {
    var planner = Planner(settings: settings, ports: ports, lcores: lcores)
    let plan = planner.plan()
    guard let plan, planner.problems.isEmpty else { throw PlanError(problems: planner.problems) }
    return plan
  }
}

/// Why there is no plan.
public struct PlanError: Error, Equatable, CustomStringConvertible {
  /// A sentence each, at least one.
  public let problems: [String]

  public var description: String { problems.joined(separator: "\n") }
}
