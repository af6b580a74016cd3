// TestSupport: packets, captures and chance for every test.
//
// A story is told in datagrams (`Datagram.ipv4(...).udp(...)`), put on the wire as a `Frame`, damaged on purpose, and
// kept in a `Capture`. Nothing here uses the modules under test: bytes and checksums are made from the RFCs alone, so
// that this module can judge them. Everything is a value; what is random comes from a `SeededGenerator`.

/// The bytes of one Ethernet frame, without the FCS.
public struct Frame: Hashable, Sendable {
  public var bytes: [UInt8]

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  public var count: Int { bytes.count }

  /// Lends the bytes from an allocation that ends with them, so that the address sanitizer sees a read beyond.
  public func withSpan<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
    let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { unsafe exact.deallocate() }
    unsafe exact.copyBytes(from: bytes)
    return try body(unsafe UnsafeRawBufferPointer(exact).bytes)
  }

  /// The frame's first `count` bytes.
  public func prefix(_ count: Int) -> Frame { Frame(Array(bytes.prefix(count))) }
}

// MARK: Link layer

/// An Ethernet address, written `"02:00:00:00:00:01"`.
public struct MAC: Hashable, Sendable, ExpressibleByStringLiteral {
  public let bytes: [UInt8]

  public init(stringLiteral text: String) {
    bytes = text.split(separator: ":").map { UInt8($0, radix: 16)! }
    precondition(bytes.count == 6, "\(text) is not an Ethernet address")
  }

  public static let one: MAC = "02:00:00:00:00:01"
  public static let two: MAC = "02:00:00:00:00:02"
  public static let broadcast: MAC = "ff:ff:ff:ff:ff:ff"
  public static let lldp: MAC = "01:80:c2:00:00:0e"
}

/// The EtherTypes that tests name.
public enum EtherType {
  public static let ipv4: UInt16 = 0x0800
  public static let arp: UInt16 = 0x0806
  public static let vlan: UInt16 = 0x8100
  public static let qinq: UInt16 = 0x88a8
  public static let ipv6: UInt16 = 0x86dd
  public static let lldp: UInt16 = 0x88cc
  public static let slow: UInt16 = 0x8809  // LACP
  /// All that announce a VLAN tag: 802.1Q, 802.1ad, and what was used before it.
  public static let tags: Set<UInt16> = [vlan, qinq, 0x9100, 0x9200]
}

extension Frame {
  /// A frame of any EtherType.
  ///
  /// - Parameters:
  ///   - vlan: VLAN ids, outermost first. One is tagged 0x8100; with more, all but the last are 0x88a8 (802.1ad).
  ///   - shortest: zeros are added behind until the frame has this many bytes; 60 is Ethernet's own minimum.
  public static func etherType(
    _ type: UInt16, _ payload: [UInt8], vlan: [UInt16] = [], from: MAC = .one, to: MAC = .two, padTo shortest: Int = 0
  ) -> Frame {
    var bytes = to.bytes + from.bytes
    for (depth, id) in vlan.enumerated() {
      bytes.append(depth == vlan.count - 1 ? EtherType.vlan : EtherType.qinq)
      bytes.append(id)
    }
    bytes.append(type)
    bytes += payload
    bytes += Array(repeating: 0, count: max(0, shortest - bytes.count))
    return Frame(bytes)
  }

  /// An 802.3 frame: the type field holds the payload's length; 0x42 is spanning tree's SAP.
  public static func llc(
    dsap: UInt8 = 0x42, ssap: UInt8 = 0x42, _ payload: [UInt8], from: MAC = .one, to: MAC = "01:80:c2:00:00:00",
    padTo shortest: Int = 60
  ) -> Frame {
    let body = [dsap, ssap, 0x03] + payload
    return etherType(UInt16(body.count), body, from: from, to: to, padTo: shortest)
  }

  /// An ARP request who has `target`, or with `answer` the reply that it is at `from` (RFC 826).
  public static func arp(
    who target: Address, tell sender: Address, answer: Bool = false, vlan: [UInt16] = [], from: MAC = .one,
    to: MAC = .broadcast, padTo shortest: Int = 60
  ) -> Frame {
    var body: [UInt8] = [0, 1, 0x08, 0, 6, 4, 0, answer ? 2 : 1]
    body += from.bytes + (answer ? target : sender).bytes
    body += (answer ? to.bytes : Array(repeating: 0, count: 6)) + (answer ? sender : target).bytes
    return etherType(EtherType.arp, body, vlan: vlan, from: from, to: to, padTo: shortest)
  }
}

extension Datagram {
  /// The datagram in a frame of its own, checksums right.
  public func frame(
    vlan: [UInt16] = [], from: MAC = .one, to: MAC = .two, padTo shortest: Int = 0
  ) -> Frame {
    Frame.etherType(
      source.isIPv6 ? EtherType.ipv6 : EtherType.ipv4, bytes, vlan: vlan, from: from, to: to, padTo: shortest)
  }
}
