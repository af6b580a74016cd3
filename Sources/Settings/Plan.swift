public import Steering

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
    /// The workers that own what comes in by it, by index; whoever received it when there is no `steering`.
    public let owners: [Int]
  }

  /// An lcore that polls queues, or lives from what others hand over. Each queue, of either direction, belongs to one
  /// worker.
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

  /// How packets find the workers that own them.
  public struct Steering: Equatable, Sendable {
    public let by: SteerBy
    /// Ports with several queues spread packets as the owners are, so that few are handed over.
    public let byPorts: Bool
    /// After so many buckets the table of owners repeats.
    public let period: Int
  }

  public let settings: Settings
  /// By number.
  public let ports: [Port]
  /// By lcore; every worker has a queue to poll, or packets that others hand over.
  public let workers: [Worker]
  /// `nil`: every worker owns what it receives.
  public let steering: Steering?
  /// By socket.
  public let pools: [Pool]
  /// What each worker may hold of fragments; `nil`: they cross like other packets.
  public let fragments: Fragments?
  /// There is one lcore only, so that main polls besides supervising.
  public let supervisorPolls: Bool
  public let idleLcores: [Int]
  public let unusedPorts: [Int]
  /// What differs from what was asked for, or will surprise; a sentence each.
  public let notes: [String]

  /// Packets that may wait from one worker to another, a power of two: as set, or the largest up to 1024 with which no
  /// worker has more than 3072 waiting for it.
  public var handoffRing: Int { Self.handoffRing(settings, workers: workers.count) }

  static func handoffRing(_ settings: Settings, workers: Int) -> Int {
    if let ring = settings.handoffRing { return ring }
    var ring = 1024
    while ring > 64, ring * (workers - 1) > 3072 { ring /= 2 }
    return ring
  }

  /// The workers that may hand packets to that one: they receive by ports whose flows it owns with others, or put
  /// datagrams together that turn out to be of its flows.
  public func sources(of worker: Int) -> [Int] {
    guard steering != nil else { return [] }
    return workers.indices.filter { $0 != worker && !handedOver(from: $0, to: worker).isEmpty }
  }

  /// The ports whose packets one worker may hand to another.
  public func handedOver(from giver: Int, to owner: Int) -> [Port] {
    let received = Set(workers[giver].receive.map(\.port))
    // Fragments meet at the owner of their addresses. By five-tuple their datagram's flow may have another one, and so
    // may by address pair what an ICMP error in fragments quotes.
    let assembles = settings.reassembly.isOn
    return ports.filter { port in
      port.owners.contains(owner) && (received.contains(port.id) || assembles && port.owners.contains(giver))
    }
  }

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
