import Primitives
import TestSupport
import Testing

@testable import Steering

/// The vectors that Microsoft publishes for receive side scaling.
@Suite struct `The hash of NICs` {
  static let key: [UInt8] = [
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b,
    0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac,
    0x01, 0xfa,
  ]

  struct Vector: Sendable {
    let source: String, destination: String
    let ports: (UInt16, UInt16)
    let addresses: UInt32, tuple: UInt32
  }

  static let vectors = [
    Vector(
      source: "66.9.149.187", destination: "161.142.100.80", ports: (2794, 1766), addresses: 0x323e_8fc2,
      tuple: 0x51cc_c178),
    Vector(
      source: "199.92.111.2", destination: "65.69.140.83", ports: (14230, 4739), addresses: 0xd718_262a,
      tuple: 0xc626_b0ea),
    Vector(
      source: "24.19.198.95", destination: "12.22.207.184", ports: (12898, 38024), addresses: 0xd2d0_a5de,
      tuple: 0x5c2b_394a),
    Vector(
      source: "38.27.205.30", destination: "209.142.163.6", ports: (48228, 2217), addresses: 0x8298_9176,
      tuple: 0xafc7_327f),
    Vector(
      source: "153.39.163.191", destination: "202.188.127.2", ports: (44251, 1303), addresses: 0x5d18_09c5,
      tuple: 0x10e8_28a2),
    Vector(
      source: "3ffe:2501:200:1fff::7", destination: "3ffe:2501:200:3::1", ports: (2794, 1766), addresses: 0x2cc1_8cd5,
      tuple: 0x4020_7d3d),
    Vector(
      source: "3ffe:501:8::260:97ff:fe40:efab", destination: "ff02::1", ports: (14230, 4739), addresses: 0x0f0c_461c,
      tuple: 0xdde5_1bbf),
    Vector(
      source: "3ffe:1900:4545:3:200:f8ff:fe21:67cf", destination: "fe80::200:f8ff:fe21:67cf", ports: (44251, 38024),
      addresses: 0x4b61_e985, tuple: 0x02d1_feef),
  ]

  @Test(arguments: vectors) func `agrees with the published vectors`(vector: Vector) {
    let addresses = bytes(vector.source) + bytes(vector.destination)
    let ports = [vector.ports.0, vector.ports.1].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    #expect(Toeplitz.hash(addresses, key: Self.key) == vector.addresses)
    #expect(Toeplitz.hash(addresses + ports, key: Self.key) == vector.tuple)
  }

  @Test func `under a symmetric key both directions hash alike, and the tables as the bits`() {
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<40 {
      let key = SymmetricKey(using: &chance)
      let table = AddressHash(key)
      #expect(key.bytes.count == SymmetricKey.longest)
      for _ in 0..<20 {
        let (a, b) = (UInt32.random(in: 0 ... .max, using: &chance), UInt32.random(in: 0 ... .max, using: &chance))
        let there = Toeplitz.hash(bytes(a) + bytes(b), key: key.bytes)
        let back = Toeplitz.hash(bytes(b) + bytes(a), key: key.bytes)
        let quick = table.ipv4(a ^ b)
        #expect(there == back && there == quick)
        // A NIC takes the first 40 bytes where it has no room for more.
        #expect(there == Toeplitz.hash(bytes(a) + bytes(b), key: Array(key.bytes.prefix(40))))
        let (c, d) = (address(&chance), address(&chance))
        let sixThere = Toeplitz.hash(bytes(c) + bytes(d), key: Array(key.bytes.prefix(40)))
        let sixBack = Toeplitz.hash(bytes(d) + bytes(c), key: Array(key.bytes.prefix(40)))
        let sixQuick = table.ipv6(c.high ^ d.high, c.low ^ d.low)
        #expect(sixThere == sixBack && sixThere == sixQuick)
      }
    }
  }

  private func address(_ chance: inout SeededGenerator) -> IPv6Address {
    IPv6Address(high: chance.next(), low: chance.next())
  }

  private func bytes(_ text: String) -> [UInt8] {
    IPv4Address(text).map { bytes($0.bits) } ?? IPv6Address(text).map(bytes) ?? []
  }

  private func bytes(_ word: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }

  private func bytes(_ address: IPv6Address) -> [UInt8] {
    [address.high, address.low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }
  }
}
