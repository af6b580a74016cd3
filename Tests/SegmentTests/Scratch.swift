import Foundation

@testable import Segment

/// A folder in shared memory that goes with the test.
final class Scratch: Sendable {
  let root: String

  init() {
    root = "/dev/shm/dpdkfwd-test-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
  }

  /// How often this test's segment is mapped; other tests of the process have others.
  func mappings() throws -> Int {
    try String(contentsOfFile: "/proc/self/maps", encoding: .utf8).split(separator: "\n")
      .count { $0.contains(root) && $0.hasSuffix("/segment") }
  }

  func paths(_ prefix: String = "t") throws -> SegmentPaths { try SegmentPaths(root: root, prefix: prefix) }

  func writer(
    _ prefix: String = "t", _ schema: Schema = .small, mode: UInt32 = 0o640, group: String? = nil
  ) throws(SegmentError) -> SegmentWriter {
    try SegmentWriter(
      prefix: prefix, schema: schema, options: SegmentOptions(root: root, mode: mode, group: group), writer: "0.1-test",
      tscHz: 2_000_000_000)
  }

  func reader(_ prefix: String = "t", previous: Bool = false) throws(SegmentError) -> SegmentReader {
    try SegmentReader(SegmentPaths(root: root, prefix: prefix), previous: previous)
  }

  /// The bytes of a file.
  static func read(_ path: String) -> [UInt8] {
    guard let file = unsafe fopen(path, "r") else { return [] }
    defer { unsafe fclose(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65536)
    while case let count = unsafe fread(&block, 1, block.count, file), count > 0 { bytes += block[..<count] }
    return bytes
  }

  func write(_ bytes: [UInt8], as name: String) -> String {
    unsafe mkdir(root, 0o755)
    let path = "\(root)/\(name)"
    guard let file = unsafe fopen(path, "w") else { return path }
    unsafe fwrite(bytes, 1, bytes.count, file)
    unsafe fclose(file)
    return path
  }

  /// Permission bits and group of a file.
  static func status(_ path: String) -> (mode: UInt32, group: UInt32) {
    var status = stat()
    unsafe stat(path, &status)
    return (status.st_mode & 0o7777, status.st_gid)
  }

  deinit {
    func remove(_ path: String) {
      if let folder = unsafe opendir(path) {
        while let entry = unsafe readdir(folder) {
          let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) {
            unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
          }
          if name != ".", name != ".." { remove("\(path)/\(name)") }
        }
        unsafe closedir(folder)
        unsafe rmdir(path)
      } else {
        unsafe unlink(path)
      }
    }
    remove(root)
  }
}

extension Schema {
  /// Two lcores, two ports, a handful of reasons.
  static var small: Schema {
    ForwarderSchema.make(
      lcores: 2, ports: 2, queues: 4, pools: 1, dropReasons: ["ipv4_bad_checksum", "tx_full"],
      invalidReasons: ["tcp_short"], packetKinds: ["ipv4", "ipv6", "other"], stages: ["parse", "verdict", "send"],
      history: 8)
  }
}

extension Schema {
  /// `small`, connection tracking and reassembly.
  static func tracking(connections: Int = 64, extensions: Int = 64) -> Schema {
    ForwarderSchema.make(
      lcores: 2, ports: 2, queues: 4, pools: 1, dropReasons: ["tx_full"], invalidReasons: ["tcp_short"],
      packetKinds: ["ipv4"], stages: ["parse"], history: 8,
      tracking: TrackingTables(
        connections: connections, extensions: extensions, faults: ["none", "tcp_flags"],
        cacheMisses: ["unassured", "flags"]),
      fragments: FragmentTables(
        datagrams: 16, fragments: 32, fragmentEvents: ["accepted", "completed"], datagramEvents: ["started"]))
  }
}

/// SplitMix64: the same numbers for the same seed.
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
