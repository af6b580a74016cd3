internal import CSegment
public import Conntrack
public import Rules
internal import Ruleset
internal import Segment

/// A program with what workers need beside it. The control side keeps it until no worker uses it any more.
@safe
public final class RuleIssue: @unchecked Sendable {
  public let program: RuleProgram
  public private(set) var setup: RuleSetup
  private let definitions: UnsafeMutablePointer<dpdkfwd_flowtable_record>
  private let tables: UnsafeMutablePointer<UnsafePointer<UInt32>?>
  private let milliseconds: UnsafeMutablePointer<UInt32>

  /// How long a flow stays in a table that says nothing of it, in seconds.
  public struct FlowTimeouts: Equatable, Sendable {
    public var tcp: UInt32
    public var udp: UInt32
    public init(tcp: UInt32 = 30, udp: UInt32 = 30) {
      self.tcp = tcp
      self.udp = udp
    }
  }

  /// - Parameters:
  ///   - numbers: what the tables and policies are known by in connections; new ones are added.
  ///   - timeouts: of all connections, in milliseconds by `Timeout`: a policy only says what differs.
  public init(
    _ program: RuleProgram, numbers: inout RuleNumbers, flows: FlowTimeouts = FlowTimeouts(),
    timeouts standard: [UInt32] = Timeout.allCases.map { $0.standard * 1000 }
  ) throws(RuleNumbers.Exhausted) {
    self.program = program
    let count = FlowTables.most
    unsafe definitions = .allocate(capacity: count)
    unsafe definitions.initialize(repeating: dpdkfwd_flowtable_record(), count: count)
    unsafe tables = .allocate(capacity: 16)
    unsafe tables.initialize(repeating: nil, count: 16)
    unsafe milliseconds = .allocate(capacity: 16 * Timeout.allCases.count)
    unsafe milliseconds.initialize(repeating: 0, count: 16 * Timeout.allCases.count)
    setup = RuleSetup()
    setup.view = program.view
    setup.setsZones = program.needs(.ingress).union(program.needs(.raw)).contains(.changesZones)
    setup.needs = [RuleHook.prerouting, .forward, .postrouting].reduce([]) { $0.union(program.needs($1)) }
    unsafe setup.definitions = unsafe UnsafePointer(definitions)
    unsafe setup.timeouts = unsafe UnsafePointer(tables)
    let named = try numbers.assign(
      flowtables: program.flowtables.map { "\($0.family.rawValue) \($0.table) \($0.name)" },
      timeouts: program.timeouts.map { "\($0.table) \($0.name)" })
    for (place, table) in program.flowtables.enumerated() { define(named.flowtables[place], at: place, table, flows) }
    for (place, policy) in program.timeouts.enumerated() { define(named.timeouts[place], at: place, policy, standard) }
  }

  deinit {
    unsafe definitions.deallocate()
    unsafe tables.deallocate()
    unsafe milliseconds.deallocate()
  }

  private func define(
    _ number: RuleNumbers.Number, at place: Int, _ table: ProgramFlowtable, _ flows: FlowTimeouts
  ) {
    setup.flowNumbers[place] = number.value
    var entry = FlowTables.Entry()
    entry.ports = table.ports
    entry.hasCounter = table.hasCounter
    entry.isHardware = table.isHardware
    entry.tcpTimeout = (table.timeout ?? flows.tcp) * 1000
    entry.udpTimeout = (table.timeout ?? flows.udp) * 1000
    setup.flowTables[number.value] = entry
    let record = unsafe definitions + (Int(number.value) - 1)
    unsafe record.pointee.generation = number.generation
    unsafe setText(&record.pointee.name, table.name)
    unsafe setText(&record.pointee.table, table.table)
    unsafe setText(&record.pointee.family, table.family.rawValue)
    unsafe record.pointee.ports = table.ports
    unsafe record.pointee.tcp_timeout = entry.tcpTimeout
    unsafe record.pointee.udp_timeout = entry.udpTimeout
    unsafe record.pointee.number = number.value
    unsafe record.pointee.has_counter = table.hasCounter ? 1 : 0
    unsafe record.pointee.is_hardware = table.isHardware ? 1 : 0
  }

  private func define(
    _ number: RuleNumbers.Number, at place: Int, _ policy: ProgramTimeout, _ standard: [UInt32]
  ) {
    setup.timeoutNumbers[place] = number.value
    let own = unsafe milliseconds + Int(number.value) * Timeout.allCases.count
    for timeout in Timeout.allCases { unsafe own[Int(timeout.rawValue)] = standard[Int(timeout.rawValue)] }
    for entry in policy.entries {
      guard let timeout = Timeout(state: entry.state, transport: policy.transport) else { continue }
      unsafe own[Int(timeout.rawValue)] = min(entry.seconds, Timeout.longest) * 1000
    }
    unsafe tables[Int(number.value)] = unsafe UnsafePointer(own)
  }
}

/// The numbers by which connections know flow tables and timeout policies, four bits each: what stays in the rules keeps
/// its number, and what goes leaves it to others once nobody uses it any more.
public struct RuleNumbers: Sendable {
  public struct Number: Equatable, Sendable {
    public var value: UInt8
    /// Another one for each table that has the number.
    public var generation: UInt64
  }

  /// More than 15 at once, counting those that were removed and still have flows.
  public struct Exhausted: Error, Equatable, CustomStringConvertible {
    public var description: String
  }

  private var flowtables = Register(what: "flow tables")
  private var timeouts = Register(what: "timeout policies")

  public init() {}

  /// - Parameter isBusy: whether flows of a table that was removed are still in it.
  public mutating func release(_ isBusy: (UInt8) -> Bool) { flowtables.release(isBusy) }

  mutating func assign(
    flowtables names: [String], timeouts policies: [String]
  ) throws(Exhausted) -> (flowtables: [Number], timeouts: [Number]) {
    var (newTables, newTimeouts) = (flowtables, timeouts)
    // A connection keeps a policy's number for life, and then has another's timeouts: the least that can go wrong.
    newTimeouts.release { _ in false }
    let numbers = (try newTables.assign(names), try newTimeouts.assign(policies))
    (flowtables, timeouts) = (newTables, newTimeouts)
    return numbers
  }

  private struct Register: Sendable {
    let what: String
    /// By number - 1.
    var names = [String?](repeating: nil, count: FlowTables.most)
    var isUsed = [Bool](repeating: false, count: FlowTables.most)
    var generations = [UInt64](repeating: 0, count: FlowTables.most)

    init(what: String) { self.what = what }

    mutating func release(_ isBusy: (UInt8) -> Bool) {
      for place in names.indices where !isUsed[place] && names[place] != nil && !isBusy(UInt8(place + 1)) {
        names[place] = nil
      }
    }

    mutating func assign(_ wanted: [String]) throws(Exhausted) -> [Number] {
      isUsed = names.map { name in name.map { wanted.contains($0) } ?? false }
      var numbers: [Number] = []
      for name in wanted {
        let known = names.firstIndex(of: name)
        guard let place = known ?? names.firstIndex(of: nil) else {
          throw Exhausted(description: "more than \(FlowTables.most) \(what) at once")
        }
        if known == nil { generations[place] += 1 }
        names[place] = name
        isUsed[place] = true
        numbers.append(Number(value: UInt8(place + 1), generation: generations[place]))
      }
      return numbers
    }
  }
}

extension Timeout {
  /// By nft's name of a protocol's state in a `ct timeout` policy.
  public init?(state: String, transport: UInt8) {
    switch (transport, state) {
    case (6, "syn_sent"): self = .tcpSynSent
    case (6, "syn_recv"): self = .tcpSynReceived
    case (6, "established"): self = .tcpEstablished
    case (6, "fin_wait"): self = .tcpFinWait
    case (6, "close_wait"): self = .tcpCloseWait
    case (6, "last_ack"): self = .tcpLastAck
    case (6, "time_wait"): self = .tcpTimeWait
    case (6, "close"): self = .tcpClose
    case (6, "syn_sent2"): self = .tcpSynSent2
    case (6, "retrans"): self = .tcpMaxRetransmissions
    case (6, "unack"): self = .tcpUnacknowledged
    case (17, "unreplied"): self = .udp
    case (17, "replied"): self = .udpStream
    default: return nil
    }
  }
}
