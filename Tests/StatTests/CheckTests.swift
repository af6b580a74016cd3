import CSegment
import Segment
import Testing

/// `check`: received = sent + held + dropped.
@Suite struct CheckTests {
  let fixture = Fixture()

  @Test func `a balanced forwarder passes`() throws {
    let writer = try fixture.forwarder()
    let output = try fixture.run("check")
    #expect(output.status == 0)
    #expect(output.lines.contains("The balance holds."))
    #expect(output.cells.contains(["total", "1500", "1445", "3", "52", "0"]))
    let json = try fixture.run("check", "--json").json()
    #expect(json["holds"] as? Bool == true)
    #expect((json["lcores"] as? [[String: Any]])?.count == 2)
    withExtendedLifetime(writer) {}
  }

  @Test func `a lost packet fails the check, and the lcore is named`() throws {
    let writer = try fixture.forwarder()
    unsafe writer.lcore(1).pointee.held += 1
    unsafe writer.lcore(1).pointee.rx_packets += 3
    let output = try fixture.run("check")
    #expect(output.status == 1)
    #expect(output.lines.contains("  lcore 2: received 503, but sent 495 + held 1 + dropped 5 = 501"))
    #expect(output.lines.contains("  in total, received 1503, but sent 1445 + held 4 + dropped 52 = 1501"))
    #expect(output.lines.contains("  lcore 2 received 503, its queues 500"))
    #expect(try fixture.run("check", "--json").json()["holds"] as? Bool == false)
    withExtendedLifetime(writer) {}
  }

  @Test func `two errors that cancel out in total are still found`() throws {
    let writer = try fixture.forwarder()
    unsafe writer.lcore(0).pointee.held += 1
    unsafe writer.lcore(1).pointee.tx_packets -= 1
    let output = try fixture.run("check")
    #expect(output.status == 1)
    #expect(output.lines.contains { $0.hasPrefix("  lcore 1: ") })
    #expect(output.lines.contains { $0.hasPrefix("  lcore 2: ") })
    #expect(!output.lines.contains { $0.hasPrefix("  in total") })
    withExtendedLifetime(writer) {}
  }

  @Test func `what lcores hand to each other is accounted for on both sides`() throws {
    let writer = try fixture.forwarder()
    // The first hands five packets over; the second has taken four and sent them.
    unsafe writer.lcore(0).pointee.handed_out = 5
    unsafe writer.lcore(0).pointee.rx_packets += 5
    unsafe writer.queue(lcore: 0, 0).pointee.packets += 5
    unsafe writer.lcore(1).pointee.handed_in = 4
    unsafe writer.lcore(1).pointee.tx_packets += 4
    unsafe writer.queue(lcore: 1, 1).pointee.packets += 4
    let output = try fixture.run("check")
    #expect(output.status == 0, "\(output.out)")
    #expect(output.cells.contains(["total", "1505", "1449", "3", "52", "4", "5", "0"]))
    unsafe writer.lcore(1).pointee.handed_in = 5
    let lost = try fixture.run("check")
    #expect(lost.status == 1)
    #expect(
      lost.lines.contains("  lcore 2: received 500 + handed in 5, but sent 499 + held 0 + dropped 5 = 504"),
      "\(lost.out)")
    withExtendedLifetime(writer) {}
  }

  @Test func `fragments cut anew for the way out are accounted for`() throws {
    let writer = try fixture.forwarder()
    // The first received two fragments more, of a datagram that it sent in three.
    unsafe writer.lcore(0).pointee.rx_packets += 2
    unsafe writer.queue(lcore: 0, 0).pointee.packets += 2
    unsafe writer.lcore(0).pointee.cut_from = 2
    unsafe writer.lcore(0).pointee.cut_into = 3
    unsafe writer.lcore(0).pointee.tx_packets += 3
    unsafe writer.queue(lcore: 0, 1).pointee.packets += 3
    let output = try fixture.run("check")
    #expect(output.status == 0, "\(output.out)")
    #expect(
      output.cells[1] == ["LCORE", "RECEIVED", "SENT", "HELD", "DROPPED", "CUT", "INTO", "CUT", "FROM", "MISSING"])
    #expect(output.cells.contains(["total", "1502", "1448", "3", "52", "3", "2", "0"]))
    let total = try #require(try fixture.run("check", "--json").json()["total"] as? [String: Any])
    #expect((total["cut_into"] as? Int, total["cut_from"] as? Int) == (3, 2))
    unsafe writer.lcore(0).pointee.cut_into = 4
    let invented = try fixture.run("check")
    #expect(invented.status == 1)
    let words = "  lcore 1: received 1002 + cut into 4, but sent 953 + held 3 + dropped 47 + cut from 2 = 1005"
    #expect(invented.lines.contains(words), "\(invented.out)")
    withExtendedLifetime(writer) {}
  }

  /// A segment of an older forwarder has no such counters.
  @Test func `what a segment does not count is nothing`() throws {
    let writer = try fixture.forwarder(without: ["handed_in", "handed_out", "cut_from", "cut_into"])
    let output = try fixture.run("check")
    #expect(output.status == 0, "\(output.out)")
    #expect(output.cells[1] == ["LCORE", "RECEIVED", "SENT", "HELD", "DROPPED", "MISSING"])
    withExtendedLifetime(writer) {}
  }

  @Test func `drops must have reasons`() throws {
    let writer = try fixture.forwarder()
    unsafe writer.tally(.drops, lcore: 0, 2).pointee.packets = 1
    let output = try fixture.run("check")
    #expect(output.status == 1)
    #expect(output.lines.contains("  lcore 1 dropped 47, its reasons add up to 48"))
    withExtendedLifetime(writer) {}
  }

  @Test func `a driver's count is information while it runs and binding once it stopped`() throws {
    let writer = try fixture.forwarder()
    for lcore in 0..<2 {
      unsafe writer.lcore(lcore).pointee.tx_packets += writer.lcore(lcore).pointee.held
      unsafe writer.queue(lcore: lcore, 1).pointee.packets += writer.lcore(lcore).pointee.held
      unsafe writer.lcore(lcore).pointee.held = 0
    }
    let running = try fixture.run("check")
    #expect(running.status == 0)
    let words = "port eth1: the driver sent 950 and failed on 0, the queues sent 953"
    #expect(running.lines.contains("For information: \(words)"))
    writer.setState(.stopped)
    let stopped = try fixture.run("check")
    #expect(stopped.status == 1)
    #expect(stopped.lines.contains("  \(words)"))
    unsafe writer.port(1).pointee.tx_errors = 3
    #expect(try fixture.run("check").status == 0)
  }

  @Test func `nothing may be held once it stopped`() throws {
    let writer = try fixture.forwarder()
    writer.setState(.stopped)
    let output = try fixture.run("check")
    #expect(output.status == 1)
    #expect(output.lines.contains("  it stopped with 3 packets held"))
  }

  @Test func `an lcore that died within a commit cannot be judged, and that is said`() throws {
    let writer = try fixture.forwarder()
    unsafe beginCommit(writer.lcore(0))
    let output = try fixture.run("check")
    #expect(output.status == 1)
    #expect(output.lines.contains { $0.hasPrefix("  lcore 1 cannot be judged") })
    withExtendedLifetime(writer) {}
  }
}
