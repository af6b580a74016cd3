import Conntrack
import Testing

/// Timeouts carry netfilter's names and defaults (`sysctl net.netfilter`, Linux 6.18).
struct TimeoutTests {
  @Test func `each timeout has a name of its own`() {
    #expect(Set(Timeout.allCases.map(\.name)).count == Timeout.allCases.count)
  }

  @Test func `a table starts with netfilter's defaults and keeps what is set`() {
    var table = TimeoutTable()
    table.set(.udp, seconds: 45)
    table.set(.tcpEstablished, seconds: .max)
    let lent = table.lent
    #expect(lent[.udp] == 45_000)
    #expect(lent[.tcpTimeWait] == 120_000)
    #expect(lent[.tcpEstablished] == Timeout.longest * 1000)
    _ = consume table
  }
}
