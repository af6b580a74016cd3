import Segment
import Testing

@testable import DataPlane

/// X7: what status commands print is in telemetry too, by the names of the schema.
@Suite struct TelemetryTests {
  @Test func `there is a command for each kind but arenas and rings, and what counts an arena has its name`() throws {
    let numbered = try Numbered(.forwarder())
    #expect(
      numbered.telemetry.commands.map(\.name)
        == [
          "info", "list", "forwarder", "ports", "lcores", "queues", "drops", "invalid", "packets", "mempools", "ct",
          "ct_invalid", "frag", "frag_fragments", "frag_datagrams", "flowtables", "control",
        ].map { "/dpdkfwd/\($0)" })
  }

  @Test func `a kind that comes later has a command by itself`() throws {
    let numbered = try Numbered(
      .forwarder(extra: [.events(shards: 2, records: 3, keys: ["what"])]))
    #expect(numbered.telemetry.commands.last?.name == "/dpdkfwd/novelties")
    #expect(numbered.telemetry.commands.last?.help == "What nobody knew of before. Parameters: lcore,what")
    let counts = try #require(numbered.members("novelties", "2")?["count"]?.members)
    #expect(counts.keys.sorted() == ["0", "1", "2"])
  }

  @Test func `every command has help that DPDK takes`() throws {
    let long = Kind.events("wordy", shards: 1, records: 2, keys: (0..<20).map { "quite_a_long_key_\($0)" })
    let commands = try Numbered(.forwarder(extra: [long])).telemetry.commands
    #expect(commands.allSatisfy { (1...127).contains($0.help.utf8.count) && $0.name.utf8.count < 56 })
    let help = Dictionary(uniqueKeysWithValues: commands)
    #expect(help["/dpdkfwd/ports"]?.hasSuffix(". Parameters: port or name") == true)
    #expect(help["/dpdkfwd/lcores"]?.hasSuffix(". Parameters: lcore") == true)
    #expect(help["/dpdkfwd/queues"]?.hasSuffix(". Parameters: lcore,direction/port/queue") == true)
    #expect(help["/dpdkfwd/forwarder"]?.hasSuffix(". Takes no parameters") == true)
    #expect(help["/dpdkfwd/wordy"]?.hasSuffix("...") == true)
  }

  // MARK: Numbers

  /// Each counter and each exported gauge of each kind, over all lcores and of each: the sum of the records it stands for.
  @Test func `every number of every kind is told, of an lcore and in sum`() throws {
    let numbered = try Numbered(.forwarder(lcores: 3, ports: 3, queues: 6))
    var seen = 0
    for kind in numbered.reader.schema.kinds where !kind.isArena && !kind.isRing {
      let command = ["ct_shards": "ct", "frag_shards": "frag"][kind.name] ?? kind.name
      let records = numbered.reader.records(of: kind)
      let lcores: [Int?] = kind.field(named: "lcore") == nil ? [nil] : [nil, 1, 2, 3]
      for lcore in lcores {
        let answer = try #require(numbered.members(command, lcore.map { "\($0)" }), "\(command)")
        let own = records.filter { lcore == nil || $0.number("lcore") == lcore.map { UInt64($0) } }
        for field in kind.fields where field.isNumber && field.enumeration == 0 {
          // A setting is no sum.
          let times = field.metric.isEmpty ? 1 : own.count
          let expected = own.prefix(times).reduce(UInt64(0)) { sum, record in
            (0..<field.count).reduce(sum) { $0 + record.number(field, element: $1) }
          }
          #expect(answer[field.name]?.sum == expected, "\(command) \(field.name) of lcore \(lcore ?? 0)")
          seen += 1
        }
      }
    }
    #expect(seen > 300)
  }

  @Test func `a record alone is told with its labels, several are told by key`() throws {
    let numbered = try Numbered(.forwarder())
    let port = try #require(numbered.members("ports", "1"))
    #expect(port["name"] == .text("r-1"))
    #expect(port["mac"] == .text("00:00:00:00:00:00"))
    #expect(port["link"] == .text("down"))
    #expect(numbered.members("ports", "r-1") == port)
    #expect(numbered.members("ports", "r_1") == port, "as the dict by key has it")
    let ports = try #require(numbered.members("ports"))
    #expect(ports["rx_packets"]?.members?["r_1"] == port["rx_packets"])
    #expect(ports["link"]?.members?["r_0"] == .text("down"))
    #expect(ports["driver"] == nil)

    let lcore = try #require(numbered.members("lcores", "2"))
    #expect(lcore["state"] == .text("idle"))
    #expect(lcore["lcore"] == .unsigned(2))
    #expect(lcore["stage_cycles"]?.members?.keys.sorted() == ["decide", "rx", "tx"])
    #expect(lcore["burst_sizes"]?.members?["64_"] != nil)
    #expect(numbered.members("drops", "1")?["packets"]?.members?.keys.sorted() == ["reason_0", "reason_1", "reason_2"])
    #expect(numbered.members("frag_fragments", "1,ipv6/expired")?["event"] == .text("expired"))
  }

  @Test func `the first words of a key choose what they begin`() throws {
    let numbered = try Numbered(.forwarder())
    #expect(
      numbered.members("frag_fragments", "1,ipv6")?["fragments"]?.members?.keys.sorted() == [
        "ipv6/accepted", "ipv6/expired",
      ])
    #expect(numbered.members("frag_fragments", "1,ipv") == nil)
  }

  @Test func `a setting is told where all lcores agree, and is no sum`() throws {
    let numbered = try Numbered(.forwarder())
    #expect(numbered.members("frag")?["v4_timeout"] == .unsigned(7))
    let kind = try numbered.reader.kind("frag_shards")
    let timeout = try #require(kind.field(named: "v4_timeout"))
    numbered.store(9, in: timeout, kind, 1, 0)
    #expect(numbered.members("frag")?["v4_timeout"] == nil)
    #expect(numbered.members("frag", "1")?["v4_timeout"] == .unsigned(7))
    #expect(numbered.members("frag", "2")?["v4_timeout"] == .unsigned(9))
  }

  @Test(arguments: [
    ("ports", "2"), ("ports", "r"), ("ports", "r-1,0"), ("ports", ""), ("lcores", "0"), ("lcores", "01"),
    ("lcores", "1,1"), ("lcores", "one"), ("drops", "reason_0"), ("drops", "1,reason_9"), ("drops", "1,reason_0,2"),
    ("drops", "1,"), ("forwarder", "1"), ("info", "1"), ("list", "1"), ("novelties", nil), ("", nil),
  ])
  func `what names nothing is an error`(command: String, parameter: String?) throws {
    #expect(try Numbered(.forwarder()).members(command, parameter) == nil)
  }

  @Test func `the forwarder says who it is, also when it has stopped`() throws {
    let numbered = try Numbered(.forwarder())
    let info = try #require(numbered.members("info"))
    #expect(info["prefix"] == .text("t"))
    #expect(info["state"] == .text("running"))
    #expect(info["boot_id"] == .text("\(numbered.reader.info.bootID)"))
    #expect(info["stopped_at_ns"] == nil)
    numbered.setState(.stopped)
    let stopped = try #require(numbered.members("info"))
    #expect(stopped["state"] == .text("stopped"))
    #expect(stopped["stopped_at_ns"] == numbered.reader.stopped.map { .unsigned($0) })
    #expect(numbered.members("lcores", "1") != nil)
  }

  @Test func `the list tells which parameters there are`() throws {
    let numbered = try Numbered(.forwarder())
    let list = try #require(numbered.members("list"))
    #expect(list["ports"] == .texts(["r-0", "r-1"]))
    #expect(list["lcores"] == .texts(["1", "2"]))
    #expect(list["ct"] == .texts(["1", "2"]))
    #expect(list["forwarder"] == .texts([]))
    #expect(list["control"] == .texts([]))
    #expect(numbered.members("list", "ports")?.count == 1)
    for (command, parameters) in list {
      guard case .texts(let parameters) = parameters else { continue }
      for parameter in parameters { #expect(numbered.members(command, parameter) != nil, "\(command),\(parameter)") }
    }
  }
}

// MARK: Limits

/// What DPDK 22.11 would cut silently is split or announced.
@Suite struct TelemetryLimitTests {
  /// From the command alone, by the parameters it names, every record is found, and once.
  @Test(arguments: [(1, 2000, 3), (64, 40, 3), (3, 300, 1), (200, 3, 2), (1, 400, 2), (2, 1, 1)])
  func `what is too much for an answer is split until it fits`(lcores: Int, records: Int, keys: Int) throws {
    let kind = Kind.events(shards: lcores, records: records, keys: Array(["a", "b", "c"].prefix(keys)))
    let numbered = try Numbered(.forwarder(extra: [kind]))
    let own = try #require(numbered.reader.schema.kind(named: kind.name))
    for shard in 0..<lcores {
      for index in 0..<records {
        for (place, key) in own.keys.enumerated() {
          // Digits of the index, the last key with what is left.
          let digit = place == keys - 1 ? index / (place == 0 ? 1 : 8 << (3 * (place - 1))) : index >> (3 * place) & 7
          numbered.store(UInt64(digit), in: key, own, shard, index)
        }
      }
    }
    var told: UInt64 = 0
    var parameters: [String?] = [nil]
    var answers = 0
    while let parameter = parameters.popLast() {
      let answer = try #require(numbered.telemetry.answer("/dpdkfwd/novelties", parameter))
      #expect(answer.fits)
      answers += 1
      if let count = answer.members?["too_many"] {
        #expect(count != .unsigned(0))
        guard case .texts(let narrower)? = answer.members?["parameters"] else {
          Issue.record("nothing to ask for instead of \(parameter ?? "nothing")")
          return
        }
        #expect(!narrower.contains { $0 == parameter })
        parameters += narrower
      } else {
        told += answer.members?["count"]?.sum ?? 0
      }
    }
    let expected = numbered.reader.records(of: own).reduce(UInt64(0)) { $0 + ($1.number("count") ?? 0) }
    #expect(told == expected)
    #expect(records <= 256 ? answers == 1 : answers > 1)
  }

  @Test func `queues of many lcores are told by lcore`() throws {
    let numbered = try Numbered(.forwarder(lcores: 100, queues: 8))
    #expect(numbered.members("queues")?["packets"]?.members?.count == 8, "the same eight of each")
    let kind = try numbered.reader.kind("queues")
    let queue = try #require(kind.field(named: "queue"))
    for shard in 0..<100 {
      for index in 0..<8 { numbered.store(UInt64(8 * shard + index), in: queue, kind, shard, index) }
    }
    let announced = try #require(numbered.members("queues"))
    #expect(announced["too_many"] == .unsigned(800))
    #expect(announced["parameters"] == .texts((1...100).map { "\($0)" }))
    #expect(numbered.members("queues", "100")?["packets"]?.members?.count == 8)
  }

  @Test func `where not even the parameters fit, their number is told`() throws {
    let numbered = try Numbered(
      .forwarder(extra: [.events(shards: 1, records: 600, keys: ["a"], lcore: false)]))
    #expect(numbered.members("novelties") == ["too_many": .unsigned(600)])
    #expect(numbered.members("novelties", "599")?["count"] != nil)
  }

  @Test func `an array that fits no answer is announced`() throws {
    let numbered = try Numbered(
      .forwarder(extra: [.events(shards: 1, records: 2, keys: ["a"], lcore: false, elements: 300)]))
    #expect(numbered.members("novelties") == ["too_many": .unsigned(2), "parameters": .texts(["0", "1"])])
    #expect(numbered.members("novelties", "0") == ["too_many": .unsigned(1), "parameters": .texts([])])
  }

  @Test func `limits are DPDK's, to the last one`() {
    func members(_ count: Int) -> TelemetryValue { .named((0..<count).map { ("m\($0)", .unsigned(1)) }) }
    #expect(members(256).fits)
    #expect(!members(257).fits)
    #expect(!TelemetryValue.named([("inner", members(257))]).fits)
    #expect(TelemetryValue.texts(Array(repeating: "", count: 512)).fits)
    #expect(!TelemetryValue.texts(Array(repeating: "", count: 513)).fits)
    #expect(
      TelemetryValue.named([(String(repeating: "n", count: 127), .text(String(repeating: "t", count: 127)))]).fits)
    #expect(!TelemetryValue.named([(String(repeating: "n", count: 128), .unsigned(0))]).fits)
    #expect(!TelemetryValue.text(String(repeating: "t", count: 128)).fits)
  }

  /// Just below the limit and just above it, quotes and backslashes included.
  @Test func `what fits is not longer in JSON than DPDK's buffer`() {
    for text in [String(repeating: "t", count: 100), String(repeating: "\"\\", count: 30)] {
      let longest = (1...256).last { count in
        TelemetryValue.named((0..<count).map { ("name_\($0)", .text(text)) }).fits
      }
      let value = TelemetryValue.named((0..<(longest ?? 0)).map { ("name_\($0)", .text(text)) })
      #expect((15_900...16_256).contains(value.json.utf8.count))
    }
  }

  @Test func `names are what DPDK takes, and none is given twice`() {
    let named = TelemetryValue.named(["a-b", "a.b", "a_b", "a_b_2", "", "ä", "rx/0", "64+"].map { ($0, .unsigned(1)) })
    #expect(named.names == ["a_b", "a_b_2", "a_b_3", "a_b_2_2", "_", "__2", "rx/0", "64_"])
    #expect(TelemetryValue.text(of: "ä\u{7f}\r\n\t~ ") == .text("????~ "))
  }
}

// MARK: Reading answers

extension Numbered {
  func members(_ command: String, _ parameter: String? = nil) -> [String: TelemetryValue]? {
    telemetry.answer("/dpdkfwd/" + command, parameter)?.members
  }
}

extension TelemetryValue {
  fileprivate var members: [String: TelemetryValue]? {
    guard case .members(let members) = self else { return nil }
    return Dictionary(uniqueKeysWithValues: members.map { ($0.name, $0.value) })
  }

  fileprivate var names: [String] {
    guard case .members(let members) = self else { return [] }
    return members.map(\.name)
  }

  /// Over all numbers in it.
  fileprivate var sum: UInt64 {
    switch self {
    case .unsigned(let number): number
    case .members(let members): members.reduce(0) { $0 + $1.value.sum }
    case .signed, .text, .texts: 0
    }
  }

  fileprivate var json: String {
    switch self {
    case .unsigned(let number): "\(number)"
    case .signed(let number): "\(number)"
    case .text(let text): "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    case .texts(let texts): "[" + texts.map { TelemetryValue.text($0).json }.joined(separator: ",") + "]"
    case .members(let members):
      "{" + members.map { "\"\($0.name)\":" + $0.value.json }.joined(separator: ",") + "}"
    }
  }
}
