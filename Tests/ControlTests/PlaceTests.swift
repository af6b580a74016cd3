import Testing

@testable import ControlServer

/// X8: no reader keeps another out, and all together no administrator. Rows of who has connections already.
struct PlaceTests {
  private let limits = ControlLimits()
  private static let own: UInt32 = 100

  private func places(for user: UInt32, beside served: [UInt32]) -> Bool {
    limits.refusal(of: user, beside: served, self: Self.own) == nil
  }

  /// How many connections a user gets who takes all that he can have.
  private func fill(_ served: inout [UInt32], by user: UInt32) -> Int {
    var count = 0
    while count < 100, places(for: user, beside: served) {
      served.append(user)
      count += 1
    }
    return count
  }

  @Test func `one reader has a quarter of the places`() {
    var served: [UInt32] = []
    #expect(fill(&served, by: 1000) == 8)
    #expect(limits.refusal(of: 1000, beside: served, self: Self.own) == "8 connections of user 1000 are served already")
    #expect(places(for: 1001, beside: served))
  }

  @Test(arguments: [0, own]) func `all readers together leave places for root and the forwarder's user`(user: UInt32) {
    var served: [UInt32] = []
    #expect((1000..<1010).map { fill(&served, by: $0) } == [8, 8, 8, 0, 0, 0, 0, 0, 0, 0])
    #expect(
      limits.refusal(of: 2000, beside: served, self: Self.own)
        == "24 connections are served already, and 8 places kept for root")
    #expect(fill(&served, by: user) == 8)
    #expect(limits.refusal(of: user, beside: served, self: Self.own) == "32 connections are served already")
  }

  @Test func `root and the forwarder's user may have all places, and leave what they have`() {
    var served: [UInt32] = []
    #expect(fill(&served, by: 0) == 32)
    #expect(!places(for: Self.own, beside: served))
    #expect(!places(for: 1000, beside: served))
    served.removeLast(2)
    #expect(fill(&served, by: 1000) == 2, "places that are kept are those that others leave")
  }
}
