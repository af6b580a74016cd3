import Foundation

@testable import DataPlane
@testable import Segment

/// A segment in which every number is another one, and gone with this object.
final class Numbered: Sendable {
  let reader: SegmentReader
  let telemetry: Telemetry
  private let root: String
  private let writer: SegmentWriter

  init(_ schema: Schema) throws {
    root =
      "/dev/shm/dpdkfwd-telemetry-test-\(ProcessInfo.processInfo.processIdentifier)-\(UInt64.random(in: 0 ... .max))"
    writer = try SegmentWriter(
      prefix: "t", schema: schema, options: SegmentOptions(root: root), writer: "0.1-test", tscHz: 1_000_000_000)
    writer.setState(.running)
    reader = try SegmentReader(writer.paths)
    telemetry = Telemetry(reader)
    var next: UInt64 = 1
    for kind in writer.schema.kinds where !kind.isArena && !kind.isRing {
      for shard in 0..<kind.shards {
        for index in 0..<kind.records { fill(kind, shard, index, &next) }
      }
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  func setState(_ state: SegmentState) { writer.setState(state) }

  /// Numbers count up, lcores are those from 1 on, other keys and the number of a port say which record it is.
  private func fill(_ kind: Kind, _ shard: Int, _ index: Int, _ next: inout UInt64) {
    for field in kind.fields {
      switch field.nature {
      case .sequence, .removed, .entry: continue
      case .generation: store(1, in: field, kind, shard, index)
      case _ where field.name == "lcore": store(UInt64(shard) + 1, in: field, kind, shard, index)
      case .key,
        .label where field.name == "port":
        if field.type == .char {
          for (place, byte) in "r-\(index)".utf8.enumerated() {
            store(UInt64(byte), in: field, kind, shard, index, element: place)
          }
        } else if !kind.isTally {
          store(UInt64(index), in: field, kind, shard, index)
        }
      case .label: continue
      case .counter, .gauge:
        for element in 0..<field.count where field.enumeration == 0 {
          // Settings are the same for all.
          store(field.metric.isEmpty ? 7 : next & 0xff, in: field, kind, shard, index, element: element)
          next += 1
        }
      }
    }
  }

  func store(_ number: UInt64, in field: Field, _ kind: Kind, _ shard: Int, _ index: Int, element: Int = 0) {
    let record = unsafe writer.record(kind: kind.id, shard: shard, index: index)
    let place = field.offset + element * field.type.size
    let bytes = unsafe withUnsafeBytes(of: number.littleEndian) { unsafe Array($0.prefix(field.type.size)) }
    for (offset, byte) in bytes.enumerated() {
      unsafe record.storeBytes(of: byte, toByteOffset: place + offset, as: UInt8.self)
    }
  }
}

extension Kind {
  /// Whether the writer numbers its records, by reason or event.
  fileprivate var isTally: Bool { keys.contains { ["reason", "event", "kind"].contains($0.name) } }
}

// MARK: Schemas

extension Schema {
  static func forwarder(lcores: Int = 2, ports: Int = 2, queues: Int = 4, reasons: Int = 3, extra: [Kind] = [])
    -> Schema
  {
    var schema = ForwarderSchema.make(
      lcores: lcores, ports: ports, queues: queues, pools: 1, dropReasons: (0..<reasons).map { "reason_\($0)" },
      invalidReasons: ["tcp_short"], packetKinds: ["ipv4", "other"], stages: ["rx", "decide", "tx"], history: 8,
      tracking: TrackingTables(connections: 16, extensions: 16, faults: ["none", "flags"], cacheMisses: ["flags"]),
      fragments: FragmentTables(
        datagrams: 16, fragments: 16, fragmentEvents: ["accepted", "expired"], datagramEvents: ["started"]))
    schema.kinds += extra
    return schema
  }
}

extension Kind {
  /// A counter for each record of each lcore.
  static func events(
    _ name: String = "novelties", shards: Int, records: Int, keys: [String], lcore: Bool = true, elements: Int = 1
  ) -> Kind {
    func field(_ id: Int, _ name: String, _ nature: Nature, count: Int = 1) -> Field {
      Field(
        id: UInt16(id), name: name, type: .u32, offset: 4 * (id - 1), count: count, nature: nature, unit: "events",
        metric: nature == .label ? "" : name, enumeration: 0, labels: 0, since: "9.9", help: name)
    }
    let fields =
      [field(1, lcore ? "lcore" : "shard", .label)] + keys.enumerated().map { field(2 + $0, $1, .key) }
      + [field(2 + keys.count, "count", .counter, count: elements)]
    let bytes = (fields.reduce(0) { $0 + $1.size } + 7) / 8 * 8
    return Kind(
      KindID(rawValue: 900), name, since: "9.9", shards: shards, records: records, stride: bytes,
      help: "What nobody knew of before", fields: fields)
  }
}
