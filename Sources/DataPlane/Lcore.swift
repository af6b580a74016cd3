internal import CDPDK
internal import CSegment
internal import Pipeline
internal import Primitives
internal import Segment
internal import Settings

/// An lcore at work: its worker, its place in the segment, its run loop. Made by the control side, which then keeps its
/// hands off until `run` has returned.
struct Lcore: ~Copyable {
  let id: Int
  var worker: Worker<MbufIO>
  private var ledger: Ledger
  private let orders: Orders
  /// Where packets of a port leave, while all links are up.
  private let egress: EgressTable
  private var ramp: IdleRamp
  private var knownDown: UInt64 = 0
  private var sleeps: UInt64 = 0
  private var sleepCycles: UInt64 = 0
  /// An idle lcore commits its counters this often, in cycles.
  private let commitEvery: UInt64
  private var nextCommit: UInt64 = 0
  /// Every lcore writes its history at the same multiples of this, in cycles: their entries can be laid side by side.
  private let rememberEvery: UInt64
  private var nextMemory: UInt64 = 0

  init(
    id: Int, worker: consuming Worker<MbufIO>, ledger: Ledger, orders: Orders, egress: EgressTable, plan: Plan,
    clock: Clock
  ) {
    let settings = plan.settings
    self.id = id
    self.worker = worker
    self.ledger = ledger
    self.orders = orders
    self.egress = egress
    ramp = IdleRamp(
      sleeps: settings.idleSleep == .ramp,
      longest: IdleRamp.longest(
        descriptors: self.worker.isHandedPackets ? min(settings.rxd, plan.handoffRing) : settings.rxd))
    commitEvery = clock.cycles(.milliseconds(1))
    rememberEvery = clock.cycles(settings.statsInterval)
  }

  /// Breathes until told to stop, then drains.
  mutating func run() {
    ledger.setState(.running)
    while !orders.stop {
      let down = orders.downPorts
      if down != knownDown { renewEgress(down) }
      let received = worker.breathe()
      let rest = ramp.rest(after: received)
      if received > 0 || cdpdk_tsc() >= nextCommit { commit() }
      if rest > 0 { sleep(rest) }
    }
    worker.drain()
    conclude()
    ledger.setState(.stopped)
  }

  @inline(never)
  private mutating func sleep(_ nanoseconds: UInt32) {
    let began = cdpdk_tsc()
    cdpdk_sleep(nanoseconds)
    sleepCycles &+= cdpdk_tsc() &- began
    sleeps &+= 1
  }

  @inline(never)
  private mutating func renewEgress(_ down: UInt64) {
    knownDown = down
    let table = egress
    worker.renew { table.egress(from: $0, down: down) }
  }

  /// Copies the counters out; between breaths they balance.
  @inline(__always)
  mutating func commit() {
    let now = cdpdk_tsc()
    nextCommit = now &+ commitEvery
    ledger.commit(&worker, sleeps: sleeps, sleepCycles: sleepCycles, now: now)
    if now >= nextMemory { remember(now) }
  }

  /// The last commit, which goes into the history whatever the time.
  mutating func conclude() {
    nextMemory = 0
    commit()
  }

  @inline(never)
  private mutating func remember(_ now: UInt64) {
    ledger.remember()
    nextMemory = (now / rememberEvery &+ 1) &* rememberEvery
  }
}

/// Where packets of each port leave: fixed at start, apart from links.
struct EgressTable: Sendable {
  /// By number of the receiving port.
  let byIngress: [PortID: Egress]

  /// - Parameter down: one bit for each port whose link is down.
  func egress(from ingress: PortID, down: UInt64) -> Egress {
    guard var egress = byIngress[ingress] else { return .closed(.noPair) }
    guard egress.port.rawValue < 64, down & 1 << UInt64(egress.port.rawValue) != 0 else { return egress }
    egress.close(.linkDown)
    return egress
  }
}
