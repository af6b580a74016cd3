import Conntrack
import Testing

/// The states of an association, as Linux 6.18 was seen to move them: every state x direction x chunk.
struct SCTPStateTests {
  /// One column a state, in netfilter's order; `--`: invalid. Rows are what the kernel's table did when each state was
  /// reached by packets and shown each chunk with the right tag.
  private static let columns = ["NO", "CL", "CW", "CE", "ES", "SS", "SR", "SA", "HS"]
  private static let rows: [(Direction, SCTPChunkType?, String)] = [
    (.original, .initiation, "CL CL CW CE ES CL CL SA CW"),
    (.original, .initiationAck, "CL CL CW CE ES SS SR SA CL"),
    (.original, .heartbeat, "HS CL CW CE ES SS SR SA HS"),
    (.original, .heartbeatAck, "CL CL CW CE ES SS SR SA HS"),
    (.original, .abort, "CL CL CL CL CL CL CL CL CL"),
    (.original, .shutdown, "CL CL CW CE SS SS SR SA CL"),
    (.original, .shutdownAck, "SA CL CW CE ES SA SA SA SA"),
    (.original, .error, "CL CL CW CE ES SS SR SA CL"),
    (.original, .cookieEcho, "CL CL CE CE ES SS SR SA CL"),
    (.original, .cookieAck, "CL CL CW ES ES SS SR SA CL"),
    (.original, .shutdownComplete, "CL CL CW CE ES SS SR CL CL"),
    (.original, nil, "NO CL CW CE ES SS SR SA HS"),
    (.reply, .initiation, "-- CL CW CE ES SS SR SA --"),
    (.reply, .initiationAck, "-- CW CW CE ES SS SR SA --"),
    (.reply, .heartbeat, "-- CL CW CE ES SS SR SA HS"),
    (.reply, .heartbeatAck, "-- CL CW CE ES SS SR SA ES"),
    (.reply, .abort, "-- CL CL CL CL CL CL CL --"),
    (.reply, .shutdown, "-- CL CW CE SR SS SR SA --"),
    (.reply, .shutdownAck, "-- CL CW CE ES SA SA SA --"),
    (.reply, .error, "-- CL CW CL ES SS SR SA --"),
    (.reply, .cookieEcho, "-- CL CE CE ES SS SR SA --"),
    (.reply, .cookieAck, "-- CL CW ES ES SS SR SA --"),
    (.reply, .shutdownComplete, "-- CL CW CE ES SS SR CL --"),
    (.reply, nil, "-- CL CW CE ES SS SR SA HS"),
  ]

  @Test func `every state meets every chunk from either side`() {
    for direction in Direction.allCases {
      for chunk in SCTPChunkType.allCases.map(Optional.some) + [nil] {
        let row = Self.rows.first { $0.0 == direction && $0.1 == chunk }!.2.split(separator: " ")
        for state in SCTPState.allCases {
          let after = state.after(chunk, direction).map { Self.columns[Int($0.rawValue)] } ?? "--"
          #expect(after == row[Int(state.rawValue)], "\(state), \(direction), \(chunk.map { "\($0)" } ?? "DATA")")
        }
      }
    }
  }

  @Test func `states are netfilter's`() {
    #expect(SCTPState.allCases.map(\.rawValue) == Array(0...8))
    #expect(SCTPState(rawValue: 6)?.name == "SHUTDOWN_RECD")
    #expect(Set(SCTPState.allCases.map(\.timeout)).count == 8)
  }
}
