import CSegment
import Testing

@testable import Segment

/// What the forwarder stores is what a reader finds, by name.
@Suite struct RoundTripTests {
  let scratch = Scratch()

  @Test func `a reader finds every kind of field as it was stored`() throws {
    let writer = try scratch.writer()
    let port = unsafe writer.port(1)
    unsafe port.pointee.generation = 1
    unsafe port.pointee.port = 1
    unsafe port.pointee.pair = 0xffff
    unsafe port.pointee.socket = -1
    unsafe port.pointee.link = 1
    unsafe port.pointee.mac = (0x02, 0, 0, 0xab, 0xcd, 0xef)
    unsafe setText(&port.pointee.name, "eth1")
    unsafe Counter(cells(of: port, \.rx_packets)).store(1 << 40)

    let reader = try scratch.reader()
    let ports = reader.records(of: try reader.kind("ports", having: ["name", "rx_packets"]))
    #expect(ports.count == 1)
    let record = try #require(ports.first)
    #expect(record.index == 1)
    #expect(record["name"] == .text("eth1"))
    #expect(record["mac"] == .text("02:00:00:ab:cd:ef"))
    #expect(record["link"] == .text("up"))
    #expect(record["socket"] == .signed(-1))
    #expect(record["pair"] == .unsigned(65535))
    #expect(record["rx_packets"] == .unsigned(1 << 40))
    #expect(record["no_such_field"] == nil)
  }

  @Test func `arrays and headings keep their labels`() throws {
    let writer = try scratch.writer()
    let lcore = unsafe writer.lcore(1)
    let stages = unsafe cells(of: lcore, \.stage_cycles)
    for stage in 0..<3 { unsafe Counter(stages + stage).store(UInt64(10 * stage)) }
    let reader = try scratch.reader()
    let record = reader.records(of: try reader.kind("lcores"))[1]
    #expect(record["stage_cycles"] == .list([.unsigned(0), .unsigned(10), .unsigned(20)]))
    let labels = try #require(record.kind.field(named: "stage_cycles")?.labels)
    #expect(reader.schema.enumeration(labels)?.name(of: 2) == "send")
    let drop = reader.records(of: try reader.kind("drops"))[3]
    #expect((drop.shard, drop.index) == (1, 1))
    #expect(drop["reason"] == .text("tx_full"))
  }

  @Test func `the header tells who wrote the segment, when and on what`() throws {
    let writer = try scratch.writer()
    writer.setState(.running)
    let reader = try scratch.reader()
    #expect(reader.info.prefix == "t")
    #expect(reader.info.version == "0.1-test")
    #expect(reader.info.layout == "1.2")
    #expect(reader.info.bootID == writer.bootID)
    #expect(reader.info.tscHz == 2_000_000_000)
    #expect(!reader.info.isHuge)
    #expect(reader.info.pageSize == 4096)
    #expect(reader.info.size == writer.size)
    #expect(reader.schema == writer.schema)
  }

  @Test func `two starts have two boot ids`() {
    #expect(BootID.random() != BootID.random())
    #expect(BootID(high: 1, low: 0xf).description == "0000000000000001000000000000000f")
  }

  /// D17: binding fails loudly and says what is missing.
  @Test func `a reader that needs a field that is not there learns its name`() throws {
    let writer = try scratch.writer()
    let reader = try scratch.reader()
    #expect(throws: SegmentError.fields(kind: "ports", missing: ["color", "taste"])) {
      try reader.kind("ports", having: ["name", "color", "taste"])
    }
    #expect(throws: SegmentError.fields(kind: "planets", missing: [])) { try reader.kind("planets") }
    _ = writer
  }

  @Test(arguments: [
    ("short", "short"), ("exactly-seven", "exactly"), ("seven-ü", "seven-"), ("a\u{1b}[2Jb", "a\u{fffd}[2Jb"),
  ])
  func `text is cut between characters and never drives a terminal`(text: String, shown: String) {
    var characters: (UInt64) = 0
    setText(&characters, text)
    let bytes = unsafe withUnsafeBytes(of: characters) { unsafe Array($0) }
    #expect(bytes.last == 0)
    #expect(String.printable(bytes.prefix { $0 != 0 }) == shown)
  }

  @Test func `addresses are written as people write them`() throws {
    let fields = [
      Field(
        id: 1, name: "four", type: .ipv4, offset: 0, count: 1, nature: .label, unit: "", metric: "", enumeration: 0,
        labels: 0, since: "", help: ""),
      Field(
        id: 2, name: "six", type: .ipv6, offset: 4, count: 1, nature: .label, unit: "", metric: "", enumeration: 0,
        labels: 0, since: "", help: ""),
    ]
    let kind = Kind(KindID(rawValue: 1), "addresses", since: "", stride: 24, help: "", fields: fields)
    let writer = try scratch.writer("a", Schema(kinds: [kind]))
    let record = unsafe writer.record(kind: kind.id)
    let bytes: [UInt8] = [192, 0, 2, 53, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    for (index, byte) in bytes.enumerated() { unsafe record.storeBytes(of: byte, toByteOffset: index, as: UInt8.self) }
    let reader = try scratch.reader("a")
    let read = reader.records(of: try reader.kind("addresses"))[0]
    #expect(read["four"] == .text("192.0.2.53"))
    #expect(read["six"] == .text("2001:db8::1"))
  }
}
