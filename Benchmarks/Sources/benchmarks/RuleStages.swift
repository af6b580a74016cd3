import Primitives
import Rules
import Ruleset
import Wire

/// What judging a packet costs with 1 to 10,000 rules: `benchmarks rules`.
///
/// 512 TCP packets go round; one source in ten is that of a rule, somewhere in the list.
enum RuleStages {
  static func show() throws {
    print("rules                      number   compile ms   memory KiB     ns a packet: fastest, median")
    for (name, make) in kinds {
      for number in [1, 10, 100, 1000, 10_000] {
        try show(name, number, make(number))
      }
    }
  }

  private static var kinds: [(String, (Int) -> Ruleset)] {
    [
      ("address list, as rules", addressRules), ("address list, as a set", addressSet), ("port set", portSet),
      ("verdict map", verdictMap), ("unlike rules", unlikeRules), ("unlike, behind ct state", behindState),
    ]
  }

  private static func show(_ name: String, _ number: Int, _ ruleset: Ruleset) throws {
    let states = RuleStates(workers: 1, secret: HashSecret(seed: 1))
    let now = Instant(nanoseconds: 1_000_000_000)
    let start = Timing.now()
    let program = try RuleProgram(ruleset, ports: ["a", "b"], states: states, at: now)
    let compiled = Timing.now() - start
    let engine = EngineBox(states.engine(worker: 0))
    engine.engine.adopt(program.view)
    let traffic = RuleTraffic(rules: number)
    let timing = Timing(operations: RuleTraffic.count, rounds: 11) {
      for place in 0..<RuleTraffic.count {
        var packet = traffic.packet(place)
        use(engine.engine.judge(.forward, &packet, at: now))
      }
    }
    let base = Timing(operations: RuleTraffic.count, rounds: 11) {
      for place in 0..<RuleTraffic.count {
        var packet = traffic.packet(place)
        use(packet.mark)
        packet.mark = 1
        use(packet.mark)
      }
    }
    let padding = String(repeating: " ", count: max(1, 26 - name.count))
    let kibibytes = column(program.byteCount / 1024)
    print(
      "\(name)\(padding)\(column(number)) \(Benchmarks.rounded(compiled / 1e6))   \(kibibytes)  ",
      "\(Benchmarks.rounded(timing.fastest - base.fastest))\(Benchmarks.rounded(timing.median - base.median))")
  }

  private static func column(_ number: Int) -> String {
    let text = String(number)
    return String(repeating: " ", count: max(1, 9 - text.count)) + text
  }

  // MARK: Rulesets

  private static let source = Expression.field(.payload(Payload(.network, offset: 96, length: 32)))
  private static let destination = Expression.field(.payload(Payload(.network, offset: 128, length: 32)))
  private static let port = Expression.field(.payload(Payload(.transport, offset: 16, length: 16)))
  private static let transport = Expression.field(.transport)

  static func address(_ number: Int) -> UInt128 { 0x0A00_0000 + UInt128(number) * 3 }

  private static func isTCP() -> Statement { .match(Match(transport, .equal, .value(Key(6)), isImplicit: true)) }

  private static func forward(_ rules: [Rule], _ others: [Chain] = []) -> Ruleset {
    var chain = Chain(name: "f")
    chain.base = BaseChain(hook: .forward, priority: 0)
    chain.rules = rules
    var table = Table(family: .inet, name: "t")
    table.chains = others + [chain]
    var ruleset = Ruleset()
    ruleset.tables = [table]
    return ruleset
  }

  private static func addressRules(_ number: Int) -> Ruleset {
    forward(
      (0..<number).map { place in
        Rule([.match(Match(source, .equal, .value(Key(address(place))))), .counter(Counter()), .verdict(.drop)])
      })
  }

  private static func addressSet(_ number: Int) -> Ruleset {
    var set = AnonymousSet(key: [.ipv4Address])
    set.elements = (0..<number).map { Element(Key(address($0))) }
    return forward([Rule([.match(Match(source, .equal, .set(.anonymous(set)))), .verdict(.drop)])])
  }

  private static func portSet(_ number: Int) -> Ruleset {
    var set = AnonymousSet(key: [.service])
    set.elements = (0..<min(number, 20_000)).map { Element(Key([UInt128($0 * 3)...UInt128($0 * 3 + 1)])) }
    return forward([Rule([isTCP(), .match(Match(port, .equal, .set(.anonymous(set)))), .verdict(.drop)])])
  }

  private static func verdictMap(_ number: Int) -> Ruleset {
    var map = AnonymousSet(key: [.ipv4Address], data: .verdict)
    var chains: [Chain] = []
    for place in 0..<min(number, 100) {
      var chain = Chain(name: "c\(place)")
      chain.rules = [Rule([.counter(Counter()), .verdict(.drop)])]
      chains.append(chain)
    }
    map.elements = (0..<number).map { Element(Key(address($0)), value: .verdict(.jump("c\($0 % 100)"))) }
    return forward([Rule([.verdictMap(source, .anonymous(map))])], chains)
  }

  /// Every rule asks for something else, as lists that grew by hand do.
  private static func unlikeRules(_ number: Int) -> Ruleset { forward((0..<number).map(unlike)) }

  private static func behindState(_ number: Int) -> Ruleset {
    let established = Match(.field(.connection(.state)), .anyBit, .value(Key(6)))
    return forward([Rule([.match(established), .verdict(.accept)])] + (0..<number).map(unlike))
  }

  private static func unlike(_ place: Int) -> Rule {
    let number = UInt128(place)
    let net = address(place) & ~0xFF
    let verdict = Statement.verdict(place % 2 == 0 ? .drop : .accept)
    switch place % 6 {
    case 0: return Rule([.match(Match(source, .equal, .value(Key([net...net + 255])))), isTCP(), verdict])
    case 1:
      return Rule([isTCP(), .match(Match(port, .equal, .value(Key(20_000 + number)))), .counter(Counter()), verdict])
    case 2: return Rule([.match(Match(destination, .equal, .value(Key(0x0B00_0000 + number)))), verdict])
    case 3:
      let low = 30_000 + number
      return Rule([isTCP(), .match(Match(port, .equal, .value(Key([low...low + 3])))), verdict])
    case 4:
      return Rule([
        .match(Match(source, .equal, .value(Key(address(place))))), .match(Match(port, .equal, .value(Key(443)))),
        verdict,
      ])
    default:
      return Rule([
        .match(Match(destination, .equal, .value(Key([0x0C00_0000 + number * 256...0x0C00_00FF + number * 256])))),
        .limit(Limit(rate: 10, unit: .second, burst: 5)), verdict,
      ])
    }
  }
}

/// An engine that a closure may change.
final class EngineBox {
  var engine: RuleEngine
  init(_ engine: consuming RuleEngine) { self.engine = engine }
}

/// TCP packets whose sources are now and then an address of a rule.
final class RuleTraffic {
  static let count = 512
  private let frames: [FixedArray<UInt8>.Box]
  private var packets: [RulePacket] = []

  init(rules: Int) {
    var made: [FixedArray<UInt8>.Box] = []
    for place in 0..<Self.count {
      // One in ten is an address of a rule, somewhere in the list.
      let source = UInt32(RuleStages.address(place * 7919 % max(rules, 1))) + (place % 10 == 0 ? 0 : 1)
      var bytes: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0]
      for address in [source, 0x0B10_0000 + UInt32(place)] {
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: address >> (24 - 8 * UInt32($0))) }
      }
      var sum = stride(from: 14, to: 34, by: 2).reduce(UInt32(0)) {
        $0 + UInt32(bytes[$1]) << 8 + UInt32(bytes[$1 + 1])
      }
      sum = sum & 0xFFFF + sum >> 16
      bytes[24] = UInt8(truncatingIfNeeded: ~sum >> 8)
      bytes[25] = UInt8(truncatingIfNeeded: ~sum)
      let port = UInt16(truncatingIfNeeded: place * 131)
      bytes += [0x10, 0, UInt8(port >> 8), UInt8(port & 255), 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0]
      made.append(FixedArray<UInt8>.Box(bytes))
    }
    frames = made
    packets = made.map { $0.packet() }
  }

  func packet(_ place: Int) -> RulePacket { packets[place] }
}

extension FixedArray where Element == UInt8 {
  /// Bytes that stay where they are.
  final class Box {
    private let bytes: FixedArray<UInt8>
    init(_ bytes: [UInt8]) { self.bytes = FixedArray(bytes) }

    func packet() -> RulePacket {
      let buffer = unsafe bytes.buffer
      var summary = Summary()
      unsafe Summary.read(UnsafeRawBufferPointer(buffer).bytes, frameLength: buffer.count, into: &summary)
      var packet = unsafe RulePacket(
        bytes: UnsafePointer(buffer.baseAddress!), count: buffer.count, summary: summary, ingress: 0)
      packet.egress = 1
      packet.connection.isKnown = true
      packet.connection.state = 8
      return packet
    }
  }
}
