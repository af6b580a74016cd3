import TestSupport
import Testing

struct TrafficTests {
  @Test(.enabled(if: Shared.isThere, "the corpus of real captures is not beside the package"))
  func `our reading of headers is the manifest's, in every capture`() throws {
    for known in Shared.manifest {
      var found: [String: Int] = [:]
      for frame in try Capture(contentsOf: known.url).frames {
        if let fault = frame.headerFault { found[fault, default: 0] += 1 }
      }
      var counted: [String: Int] = [:]
      for (word, count) in known.facts.ipv4Header where word != "ok" { counted["ipv4_" + word] = count }
      // A jumbogram (RFC 2675) is no fault: its length is in its hop-by-hop header.
      for (word, count) in known.facts.ipv6Header where word != "ok" && word != "jumbogram" {
        counted["ipv6_" + word] = count
      }
      #expect(found == counted, "\(known)")
    }
  }

  @Test func `demo traffic has every header fault, each where it says`() {
    let traffic = DemoTraffic()
    #expect(traffic.packets.count > 2000)
    #expect(traffic.drops.count == 10)
    for packet in traffic.packets {
      let fault = packet.frame.headerFault
      #expect(packet.fate == fault.map { .dropped($0) } ?? packet.fate, "\(packet.kind)")
      if case .dropped(let reason) = packet.fate { #expect(fault == reason) }
    }
  }

  @Test func `the same seed gives the same traffic`() {
    #expect(DemoTraffic(seed: 7).frames == DemoTraffic(seed: 7).frames)
    #expect(DemoTraffic(seed: 7).frames != DemoTraffic(seed: 8).frames)
  }

  @Test func `a crossing tells what is missing and what is out of place`() {
    let frames = (0..<5).map { Frame([UInt8($0)]) }
    #expect(Crossing(from: frames, to: frames).missing.isEmpty)
    #expect(Crossing(from: frames, to: [frames[1], frames[3]]).missing == [0, 2, 4])
    #expect(Crossing(from: frames, to: frames).stray == nil)
    #expect(Crossing(from: frames, to: [frames[1], frames[0]]).stray == 1)
    #expect(Crossing(from: frames, to: [frames[0], Frame([9])]).stray == 1)
  }
}
