public import Primitives
internal import Wire

/// A worker's own: runs the program it was last given. Its memory is taken when it is made; a packet takes none.
@safe
public struct RuleEngine: ~Copyable {
  /// A program was adopted, and it has rules.
  public var isOn: Bool { view?.isOn ?? false }

  var view: RuleView?
  /// Its number among the workers that share the states.
  public let worker: Int
  let workers: Int
  let liveness: ConnectionLiveness
  /// Values that are being computed.
  let stack: UnsafeMutablePointer<UInt128>
  /// What is to be done at each depth of jumps.
  let frames: UnsafeMutablePointer<Frame>
  let heads: UnsafeMutablePointer<ListHead>
  let steps: UnsafeMutablePointer<TraceStep>
  /// What the last `judge` told of a traced packet: at most `mostTraceSteps` steps, the first ones.
  public private(set) var traceCount = 0
  /// Of all steps that were run since `begin`.
  @usableFromInline var variance: Variance = []
  /// Where `tick` goes on.
  var visitedLimit: UInt32 = 0
  var visitedSet: UInt32 = 0
  var visitedCount: UInt32 = 0
  /// How many there were.
  var ticks: UInt64 = 1

  public static let mostTraceSteps = 64
  static let stackDepth = 64
  /// Lists of candidates a chain may have.
  static let mostLists = 8

  struct Frame: BitwiseCopyable {
    var returnsTo: UInt32 = 0
    var lists: UInt32 = 0
  }

  /// A list of rules that may match: the next one's code, and what is left.
  struct ListHead: BitwiseCopyable {
    var current: UInt32 = 0
    var place: UInt32 = 0
    var end: UInt32 = 0
  }

  init(worker: Int, workers: Int, liveness: ConnectionLiveness) {
    self.worker = worker
    self.workers = workers
    self.liveness = liveness
    unsafe stack = .allocate(capacity: Self.stackDepth)
    unsafe stack.initialize(repeating: 0, count: Self.stackDepth)
    unsafe frames = .allocate(capacity: jumpDepth + 1)
    unsafe frames.initialize(repeating: Frame(), count: jumpDepth + 1)
    unsafe heads = .allocate(capacity: (jumpDepth + 1) * Self.mostLists)
    unsafe heads.initialize(repeating: ListHead(), count: (jumpDepth + 1) * Self.mostLists)
    unsafe steps = .allocate(capacity: Self.mostTraceSteps)
    unsafe steps.initialize(repeating: TraceStep(), count: Self.mostTraceSteps)
  }

  deinit {
    unsafe stack.deallocate()
    unsafe frames.deallocate()
    unsafe heads.deallocate()
    unsafe steps.deallocate()
  }

  /// From the next packet on; the program lives until another was adopted.
  ///
  /// - Parameter view: `nil`: there are no rules.
  public mutating func adopt(_ view: RuleView?) {
    self.view = view
    visitedLimit = 0
    visitedSet = 0
    visitedCount = 0
  }

  public func has(_ hook: RuleHook) -> Bool {
    guard let view else { return false }
    return view.word(view.bases(hook)) != 0
  }

  /// A packet meets its first hook.
  @inlinable @inline(__always)
  public mutating func begin() { variance = [] }

  /// Whether all rules that were run since `begin` would say the same of any other plain packet of that connection and
  /// direction, and did nothing but say it: no counter, limit or set was touched, nothing was set but the packet's mark.
  ///
  /// Plain: neither options nor extension headers, no fragment. The connection has been answered.
  @inlinable @inline(__always)
  public func isSteady(isIPv6: Bool) -> Bool { variance.isDisjoint(with: isIPv6 ? .inIPv6 : .inIPv4) }

  /// What the rules of a hook say; `packet` has then what they changed, and its effects what is to be written back.
  public mutating func judge(_ hook: RuleHook, _ packet: inout RulePacket, at now: Instant) -> RuleDecision {
    traceCount = 0
    guard let view else { return .accept }
    let bases = view.bases(hook)
    let count = Int(view.word(bases))
    if count == 0 { return .accept }
    return unsafe withUnsafeMutablePointer(to: &packet) { pointer in
      unsafe judge(view, hook, bases, count, PacketReference(pointer), now)
    }
  }

  private mutating func judge(
    _ view: RuleView, _ hook: RuleHook, _ bases: UInt32, _ count: Int, _ packet: PacketReference, _ now: Instant
  ) -> RuleDecision {
    let places = HeaderPlaces(packet)
    for place in 0..<count {
      let base = bases &+ 1 &+ UInt32(place &* BaseWords.count)
      let head = view.word(base, BaseWords.family)
      guard RuleEngine.meets(UInt8(truncatingIfNeeded: head), packet.it.summary.flags) else { continue }
      let devices = UInt32(truncatingIfNeeded: view.word(base, BaseWords.devices))
      if devices != 0 {
        guard packet.it.ingress < view.ports,
          view.word(devices, Int(packet.it.ingress >> 6)) &>> UInt64(packet.it.ingress & 63) & 1 != 0
        else { continue }
      }
      let code = UInt32(truncatingIfNeeded: view.word(base, BaseWords.code))
      switch run(view, code, hook, packet, places, now) {
      case .accept: continue
      case .drop: return .drop
      case .reject: return .reject
      case .end:
        let drops = head & 0x100 != 0
        if packet.it.isTraced { trace(hook, drops ? .policyDrop : .policyAccept, handle: 0, chain: head >> 32) }
        if drops { return .policy }
      }
    }
    return .accept
  }

  public func trace(_ index: Int) -> TraceStep {
    precondition(index >= 0 && index < traceCount)
    return unsafe steps[index]
  }

  @inline(never)
  mutating func trace(_ hook: RuleHook, _ verdict: TraceStep.Verdict, handle: UInt64, chain: UInt64) {
    guard traceCount < Self.mostTraceSteps else { return }
    unsafe steps[traceCount] = TraceStep(
      hook: hook, verdict: verdict, chain: UInt32(truncatingIfNeeded: chain), handle: handle)
    traceCount += 1
  }

  /// Whether packets of a family meet a base chain: 2, 10, 0 both, 5 all.
  @inline(__always)
  private static func meets(_ family: UInt8, _ flags: SummaryFlags) -> Bool {
    switch family {
    case 2: flags.contains(.ipv4)
    case 10: flags.contains(.ipv6)
    case 0: !flags.isDisjoint(with: [.ipv4, .ipv6])
    default: true
    }
  }
}

/// A step of a traced packet: a rule that held, or what a chain said in the end.
public struct TraceStep: BitwiseCopyable, Hashable, Sendable {
  public enum Verdict: UInt8, BitwiseCopyable, Sendable {
    case `continue`, accept, drop, reject, jump, goto, `return`, policyAccept, policyDrop
  }
  public var hook = RuleHook.ingress
  public var verdict = Verdict.continue
  /// Place among `RuleProgram.chains`.
  public var chain: UInt32 = 0
  /// Of the rule; 0 for a policy.
  public var handle: UInt64 = 0
}
