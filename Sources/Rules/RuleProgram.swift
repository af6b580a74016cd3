public import Primitives
public import Ruleset

/// Why a ruleset has no program; the text names the place.
public struct RuleCompileError: Error, Hashable, CustomStringConvertible {
  public var description: String
}

/// An immutable program for all hooks of one ruleset. Owns its memory: the control side keeps it until no worker uses
/// it.
@safe
public final class RuleProgram: @unchecked Sendable {
  public let view: RuleView
  public let flowtables: [ProgramFlowtable]
  public let timeouts: [ProgramTimeout]
  /// What trace steps name by its place.
  public let chains: [ChainPlace]

  private let needed: [RuleNeeds]
  private let code: UnsafeMutableBufferPointer<Instruction>
  private let words: WordMemory
  /// Counters, limits and elements that the program points to.
  private let held: [AnyObject]

  /// - Parameters:
  ///   - ports: names by port number.
  ///   - now: elements with a timeout that are new to `states` count from here.
  public init(
    _ ruleset: Ruleset, ports: [String], states: RuleStates, at now: Instant
  ) throws(RuleCompileError) {
    var compiler = Compiler(ruleset.numbered(), ports: ports, states: states, at: now)
    try compiler.compile()
    chains = compiler.chains
    held = compiler.held
    let hooks = compiler.writeHooks()
    let names = compiler.place(of: (0..<ports.count).flatMap { Compiler.words(of: ports.paddedName(UInt16($0))) })
    let chainWords = stride(from: 0, to: compiler.chainCode.count, by: 2).map { place in
      let second = place + 1 < compiler.chainCode.count ? UInt64(compiler.chainCode[place + 1]) << 32 : 0
      return UInt64(compiler.chainCode[place]) | second
    }
    let chainPlace = compiler.place(of: chainWords)
    let visited = compiler.place(
      of: [UInt64(compiler.limitPlaces.count)] + compiler.limitPlaces.flatMap { [$0.cell, UInt64($0.place)] }
        + [UInt64(compiler.liveSets.count)] + compiler.liveSets.map(UInt64.init)
        + [UInt64(compiler.countPlaces.count)] + compiler.countPlaces.flatMap { [$0.cell, UInt64($0.place)] })
    guard compiler.words.count < 1 << 31, compiler.code.count < 1 << 31 else {
      throw RuleCompileError(description: "the rules need more than 16 GiB")
    }
    unsafe code = .allocate(capacity: max(compiler.code.count, 1))
    _ = unsafe code.initialize(from: compiler.code)
    words = WordMemory(compiler.words.count)
    for (place, word) in compiler.words.enumerated() { unsafe words.base[place] = word }
    needed = compiler.needsOfHooks()
    flowtables = compiler.programFlowtables()
    timeouts = compiler.programTimeouts()
    view = unsafe RuleView(
      code: UnsafePointer(code.baseAddress!), words: UnsafePointer(words.base),
      hooks: (hooks[0], hooks[1], hooks[2], hooks[3], hooks[4]), ports: UInt16(ports.count), names: names,
      chains: chainPlace, visited: visited, secret: compiler.secret, isOn: !compiler.code.isEmpty)
  }

  deinit { unsafe code.deallocate() }

  public func has(_ hook: RuleHook) -> Bool { unsafe words.base[Int(view.bases(hook))] != 0 }
  /// What the rules of a hook read and change; of all hooks together: `needs`.
  public func needs(_ hook: RuleHook) -> RuleNeeds { needed[Int(hook.rawValue)] }
  public var needs: RuleNeeds { needed.reduce([]) { $0.union($1) } }
  /// Bytes of memory that the program itself takes.
  public var byteCount: Int { unsafe code.count * MemoryLayout<Instruction>.stride + words.count * 8 }
}

/// `effects.flowtable` k is number k - 1.
public struct ProgramFlowtable: Hashable, Sendable {
  public var family: Family
  public var table: String
  public var name: String
  /// One bit for each port number below 64.
  public var ports: UInt64
  public var hasCounter: Bool
  public var isHardware: Bool
  /// Seconds; `nil`: the setting of each protocol.
  public var timeout: UInt32?
}

/// `effects.timeout` k is number k.
public struct ProgramTimeout: Hashable, Sendable {
  public var family: Family
  public var table: String
  public var name: String
  public var transport: UInt8
  /// `nil`: of both families.
  public var isIPv6: Bool?
  public var entries: [TimeoutEntry]
}

/// What the rules of a hook read of `ConnectionFacts`, and what they may change.
public struct RuleNeeds: OptionSet, BitwiseCopyable, Hashable, Sendable {
  public var rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  /// `isKnown`, `state`, `direction`, `isIPv6`, `transport`, `status`, `mark`.
  public static let basics = RuleNeeds(rawValue: 1)
  public static let expiration = RuleNeeds(rawValue: 2)
  public static let id = RuleNeeds(rawValue: 4)
  public static let labels = RuleNeeds(rawValue: 8)
  public static let zones = RuleNeeds(rawValue: 16)
  /// Addresses and ports of both directions.
  public static let tuples = RuleNeeds(rawValue: 32)
  /// Packets and bytes.
  public static let counters = RuleNeeds(rawValue: 64)
  public static let changesMark = RuleNeeds(rawValue: 128)
  public static let changesLabels = RuleNeeds(rawValue: 256)
  public static let changesZones = RuleNeeds(rawValue: 512)
  public static let notracks = RuleNeeds(rawValue: 1024)
  public static let setsTimeout = RuleNeeds(rawValue: 2048)
  public static let setsEvents = RuleNeeds(rawValue: 4096)
  public static let offloads = RuleNeeds(rawValue: 8192)
}

// MARK: What the compiler leaves to say

extension Compiler {
  /// Base chains by hook, in order; where each list is.
  mutating func writeHooks() -> [UInt32] {
    var number = 0
    var bases: [(chain: Int, table: Table, base: BaseChain)] = []
    for table in ruleset.tables where !table.isDormant {
      for chain in table.chains {
        if let base = chain.base { bases.append((number, table, base)) }
        number += 1
      }
    }
    return RuleHook.allCases.map { hook in
      let here = bases.filter { $0.base.ruleHook == hook }.inHookOrder { $0.base }
      var list = [UInt64(here.count)]
      for (chain, table, base) in here {
        let family: UInt64 =
          switch table.family {
          case .ip: 2
          case .ip6: 10
          case .inet: 0
          case .netdev: 5
          }
        var devices: UInt32 = 0
        if hook == .ingress {
          var bits = [UInt64](repeating: 0, count: ports.count / 64 + 1)
          for port in ports.indices where base.devices.contains(where: { ports.name(UInt16(port), matches: $0) }) {
            bits[port / 64] |= 1 << UInt64(port % 64)
          }
          devices = place(of: bits)
        }
        list += [family | (base.drops ? 0x100 : 0) | UInt64(chain) << 32, UInt64(chainCode[chain]), UInt64(devices), 0]
      }
      return place(of: list)
    }
  }

  /// Of all chains that a packet can come to on each hook.
  func needsOfHooks() -> [RuleNeeds] {
    var all = [RuleNeeds](repeating: [], count: RuleHook.allCases.count)
    var number = 0
    for table in ruleset.tables where !table.isDormant {
      for chain in table.chains {
        defer { number += 1 }
        guard let base = chain.base else { continue }
        var open = [number]
        var seen: Set<Int> = [number]
        while let next = open.popLast() {
          all[Int(base.ruleHook.rawValue)].formUnion(needsOfChains[next])
          open += targetsOfChains[next].subtracting(seen)
          seen.formUnion(targetsOfChains[next])
        }
      }
    }
    return all
  }

  func programFlowtables() -> [ProgramFlowtable] {
    ruleset.tables.flatMap { table in
      table.flowtables.map { flowtable in
        let members = ports.indices.filter { port in
          port < 64 && flowtable.devices.contains { ports.name(UInt16(port), matches: $0) }
        }
        return ProgramFlowtable(
          family: table.family, table: table.name, name: flowtable.name,
          ports: members.reduce(0) { $0 | 1 << UInt64($1) }, hasCounter: flowtable.hasCounter,
          isHardware: flowtable.isHardware, timeout: flowtable.timeout)
      }
    }
  }

  func programTimeouts() -> [ProgramTimeout] {
    ruleset.tables.flatMap { table in
      table.timeouts.map { policy in
        let family = policy.family ?? table.family
        return ProgramTimeout(
          family: table.family, table: table.name, name: policy.name, transport: policy.transport,
          isIPv6: family == .ip ? false : family == .ip6 ? true : nil, entries: policy.seconds)
      }
    }
  }
}
