public import Foundation

/// A classic pcap file of Ethernet frames: read in either byte order, with micro- or nanoseconds; written
/// little-endian with microseconds.
public struct Capture: Hashable, Sendable {
  public var packets: [Packet]

  public struct Packet: Hashable, Sendable {
    public var time: UInt64  // nanoseconds
    public var bytes: [UInt8]
    public var wireLength: Int  // more than `bytes` holds if the capture cut the frame

    public init(time: UInt64, bytes: [UInt8], wireLength: Int? = nil) {
      (self.time, self.bytes, self.wireLength) = (time, bytes, wireLength ?? bytes.count)
    }
  }

  public init(packets: [Packet] = []) { self.packets = packets }

  /// Frames one after the other, a microsecond apart.
  public init(frames: [Frame]) {
    packets = frames.enumerated().map { Packet(time: UInt64($0.offset) * 1000, bytes: $0.element.bytes) }
  }

  public var frames: [Frame] { packets.map { Frame($0.bytes) } }

  // MARK: Files

  /// Why a file is no capture that we read.
  public enum Fault: Error, Equatable {
    case notACapture
    case linkType(UInt32)
    case cut(atPacket: Int)
  }

  public init(contentsOf url: URL) throws {
    try self.init(file: [UInt8](Data(contentsOf: url)))
  }

  public init(file: [UInt8]) throws(Fault) {
    guard file.count >= 24 else { throw .notACapture }
    let magic = Self.number(file, at: 0, isBigEndian: true)
    let isBigEndian = magic == 0xa1b2_c3d4 || magic == 0xa1b2_3c4d
    let unit: UInt64  // nanoseconds
    switch isBigEndian ? magic : magic.byteSwapped {
    case 0xa1b2_c3d4: unit = 1000
    case 0xa1b2_3c4d: unit = 1
    default: throw .notACapture
    }
    let link = Self.number(file, at: 20, isBigEndian: isBigEndian) & 0xffff
    guard link == 1 else { throw .linkType(link) }
    packets = []
    var at = 24
    while at < file.count {
      guard at + 16 <= file.count else { throw .cut(atPacket: packets.count) }
      let fields = (0..<4).map { Self.number(file, at: at + 4 * $0, isBigEndian: isBigEndian) }
      let end = at + 16 + Int(fields[2])
      guard end <= file.count else { throw .cut(atPacket: packets.count) }
      packets.append(
        Packet(
          time: UInt64(fields[0]) * 1_000_000_000 + UInt64(fields[1]) * unit, bytes: Array(file[at + 16..<end]),
          wireLength: Int(fields[3])))
      at = end
    }
  }

  public var file: [UInt8] {
    var bytes: [UInt8] = []
    func put(_ numbers: Int...) {
      for number in numbers { bytes.append(UInt32(truncatingIfNeeded: number).byteSwapped) }
    }
    put(0xa1b2_c3d4, 4 << 16 | 2, 0, 0, 262144, 1)
    for packet in packets {
      put(Int(packet.time / 1_000_000_000), Int(packet.time % 1_000_000_000 / 1000))
      put(packet.bytes.count, packet.wireLength)
      bytes += packet.bytes
    }
    return bytes
  }

  public func write(to url: URL) throws {
    try Data(file).write(to: url)
  }

  private static func number(_ file: [UInt8], at offset: Int, isBigEndian: Bool) -> UInt32 {
    let value = UInt32(file.word(at: offset)) << 16 | UInt32(file.word(at: offset + 2))
    return isBigEndian ? value : value.byteSwapped
  }
}
