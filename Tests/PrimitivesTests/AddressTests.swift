import Primitives
import Testing

struct AddressTests {
  @Test(arguments: [("0.0.0.0", 0), ("192.0.2.1", 0xC000_0201), ("255.255.255.255", 0xFFFF_FFFF)])
  func `an IPv4 address reads as it prints`(text: String, bits: UInt32) {
    #expect(IPv4Address(text) == IPv4Address(bits: bits))
    #expect(IPv4Address(bits: bits).description == text)
  }

  @Test(arguments: [
    "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.+4", "1..2.3", " 1.2.3.4", "1.2.3.4 ", "0x1.2.3.4",
  ])
  func `what is no IPv4 address is refused`(text: String) {
    #expect(IPv4Address(text) == nil)
  }

  /// The examples of RFC 5952 §4 and §5, and its traps: the first of equal runs, no run of one.
  @Test(arguments: [
    ("2001:0db8::0001", "2001:db8::1"), ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
    ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
    ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:DB8::AAAA", "2001:db8::aaaa"), ("::", "::"), ("::1", "::1"),
    ("1::", "1::"), ("0:0:0:0:0:0:0:0", "::"), ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
    ("0:0:0:0:0:ffff:c000:201", "::ffff:192.0.2.1"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
    ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
  ])
  func `an IPv6 address prints in its canonical form`(text: String, canonical: String) throws {
    let address = try #require(IPv6Address(text))
    #expect(address.description == canonical)
    #expect(IPv6Address(canonical) == address)
  }

  @Test(arguments: [
    "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "::1%eth0",
    "1:2:3:4:5:6:7::8",
    "1.2.3.4::", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "::+1", "1:", ":1",
  ])
  func `what is no IPv6 address is refused`(text: String) {
    #expect(IPv6Address(text) == nil)
  }

  @Test func `an Ethernet address reads as it prints`() {
    #expect(MACAddress("02:00:00:00:0a:Ff") == MACAddress(bits: 0x0200_0000_0AFF))
    #expect(MACAddress(bits: 0x0200_0000_0AFF).description == "02:00:00:00:0a:ff")
    for text in ["", "02:00:00:00:00", "2:0:0:0:0:1", "02-00-00-00-00-01", "02:00:00:00:00:0g"] {
      #expect(MACAddress(text) == nil, "\(text)")
    }
  }

  @Test func `addresses are ordered as their bytes are`() throws {
    let texts = ["::", "::1", "::ffff:ffff:ffff:ffff", "0:0:0:1::", "2001:db8::", "ff02::1"]
    let addresses = texts.compactMap { IPv6Address($0) }
    #expect(addresses.count == texts.count)
    #expect(addresses.reversed().sorted() == addresses)
    #expect(IPv4Address(bits: 1) < IPv4Address(bits: 0x8000_0000))
  }
}
