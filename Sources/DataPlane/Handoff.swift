internal import CDPDK
internal import Pipeline
internal import Primitives
internal import Settings
internal import Steering

/// The rings between workers: one for each ordered pair of which one may hand packets to the other. Each is written by
/// one lcore and read by one; neither ever waits.
@safe
struct HandoffRings {
  private var rings: [(from: Int, to: Int, ring: OpaquePointer)] = unsafe []
  private let workers: Int
  private var count: Int { unsafe rings.count }

  /// - Throws: with nothing left behind.
  init(_ plan: Plan) throws(DataPlaneError) {
    workers = plan.workers.count
    for to in plan.workers.indices {
      for from in plan.sources(of: to) {
        // Where the reader is: it waits for the lines that the writer has just left.
        let made = unsafe cdpdk_ring_create(
          "handoff-\(from)-\(to)", UInt32(plan.handoffRing), Int32(plan.workers[to].socket))
        guard let made = unsafe made else {
          let cause = EAL.errorText(cdpdk_errno())
          free()
          throw .call("ring of \(plan.handoffRing) from worker to worker", cause: cause)
        }
        unsafe rings.append((from, to, made))
      }
    }
  }

  /// The rings of one worker, in memory of its own.
  func lanes(of worker: Int) -> Lanes {
    let lanes = Lanes(workers: workers)
    for i in 0..<count {
      let (from, to, ring) = unsafe rings[i]
      if from == worker { unsafe lanes.to[to] = ring }
      if to == worker { unsafe lanes.from[from] = ring }
    }
    return lanes
  }

  /// Frees the rings, which are empty.
  func free() {
    for i in 0..<count { unsafe rte_ring_free(rings[i].ring) }
  }
}

/// A worker's rings to and from the others, by their indices; `nil` where there is none.
@safe
struct Lanes: BitwiseCopyable {
  let to: UnsafeMutablePointer<OpaquePointer?>
  let from: UnsafeMutablePointer<OpaquePointer?>

  init(workers: Int) {
    unsafe to = .allocate(capacity: workers)
    unsafe from = .allocate(capacity: workers)
    unsafe to.initialize(repeating: nil, count: workers)
    unsafe from.initialize(repeating: nil, count: workers)
  }

  func deallocate() {
    unsafe to.deallocate()
    unsafe from.deallocate()
  }
}

// MARK: From a plan to who owns what

extension Ownership {
  /// With a secret drawn now; `nil` when every worker owns what it receives.
  static func make(_ plan: Plan) -> Ownership? {
    plan.steering.map { steering in
      Ownership(
        by: steering.by, hash: steering.byPorts ? .toeplitz(.random()) : .keyed(.random()),
        owners: plan.ownerGroups, period: steering.period)
    }
  }

  /// What ports are told to hash by.
  var key: SymmetricKey? {
    if case .toeplitz(let key) = hash { key } else { nil }
  }
}

extension Plan {
  /// The owners of ports, each list once.
  var ownerGroups: [[Int]] {
    ports.reduce(into: []) { groups, port in
      if !port.owners.isEmpty, !groups.contains(port.owners) { groups.append(port.owners) }
    }
  }

  /// The group of a port whose packets find their owners; -1: whoever receives them owns them.
  func group(of port: Port) -> Int {
    steering == nil ? -1 : ownerGroups.firstIndex(of: port.owners) ?? -1
  }

  /// The group of what a worker receives by a port; -1 when all of it is its own.
  func group(of port: Port, at worker: Int) -> Int {
    guard steering != nil, !port.owners.isEmpty, port.owners != [worker] else { return -1 }
    return ownerGroups.firstIndex(of: port.owners) ?? -1
  }

  /// The queue of a port that its packets of a bucket are to come in by: one that the owner polls, if there is one.
  func queue(ofBucket bucket: Int, of port: Port, _ ownership: Ownership) -> Int {
    guard let group = ownership.owners.firstIndex(of: port.owners) else { return bucket % port.rxQueues }
    let owner = ownership.owner(ofBucket: bucket, group: group)
    let polled = workers[owner].receive.filter { $0.port == port.id }.map(\.queue)
    // Several of its own take turns.
    return polled.isEmpty ? bucket % port.rxQueues : polled[bucket / port.owners.count % polled.count]
  }

  /// A worker's crossing of what comes in by a port, by itself or handed over.
  func crossing(from port: Int, at worker: Int, _ table: EgressTable) -> Crossing {
    let ingress = PortID(rawValue: UInt16(port))
    let egress = table.egress(from: ingress, down: 0)
    return Crossing(
      port: ingress, egress: egress,
      transmit: workers[worker].transmit.firstIndex { $0.port == Int(egress.port.rawValue) } ?? -1,
      group: ports.first { $0.id == port }.map { group(of: $0, at: worker) } ?? -1)
  }
}
