import Pipeline
import TestSupport
import Testing

@Suite struct `Link propagation` {
  @Test func `the loss of one link takes the other side down, and its return brings it up`() {
    var pair = LinkPropagation(patience: 3)
    #expect(pair.next(aUp: true, bUp: true) == nil)
    #expect(pair.next(aUp: false, bUp: true) == .takeDown(.b))
    // The side we hold down reports down too: nothing follows from it.
    #expect(pair.next(aUp: false, bUp: false) == nil)
    #expect(pair.next(aUp: true, bUp: false) == .bringUp(.b))
    #expect(pair.next(aUp: true, bUp: true) == nil)
    #expect(pair.next(aUp: true, bUp: false) == .takeDown(.a))
    #expect(pair.next(aUp: false, bUp: true) == .bringUp(.a))
  }

  @Test func `a side that is late to rise is waited for, so that the pair does not flap`() {
    var pair = LinkPropagation(patience: 3)
    for _ in 0..<3 { #expect(pair.next(aUp: true, bUp: false) == nil) }
    #expect(pair.next(aUp: true, bUp: true) == nil)
    #expect(pair.next(aUp: false, bUp: true) == .takeDown(.b))
    #expect(pair.next(aUp: true, bUp: false) == .bringUp(.b))
    for _ in 0..<3 { #expect(pair.next(aUp: true, bUp: false) == nil) }
    #expect(pair.next(aUp: true, bUp: true) == nil)
  }

  @Test func `a side that never rises takes the other down when patience ends`() {
    var pair = LinkPropagation(patience: 3)
    for _ in 0..<3 { #expect(pair.next(aUp: true, bUp: false) == nil) }
    #expect(pair.next(aUp: true, bUp: false) == .takeDown(.a))
  }

  @Test func `a pair that starts with both links down is left alone`() {
    var pair = LinkPropagation(patience: 3)
    for _ in 0..<10 { #expect(pair.next(aUp: false, bUp: false) == nil) }
    #expect(pair.next(aUp: true, bUp: true) == nil)
  }

  @Test func `a driver that cannot is asked once, until both sides were up again`() {
    var pair = LinkPropagation(patience: 3)
    _ = pair.next(aUp: true, bUp: true)
    #expect(pair.next(aUp: false, bUp: true) == .takeDown(.b))
    pair.refused(.b)
    for _ in 0..<10 { #expect(pair.next(aUp: false, bUp: true) == nil) }
    #expect(pair.next(aUp: true, bUp: true) == nil)
    #expect(pair.next(aUp: false, bUp: true) == .takeDown(.b))
  }

  /// However the two wires come and go, and however long (within patience) a port takes to rise: when both wires stay
  /// whole, both sides end up, and stay so.
  @Test func `no sequence of losses leaves a healthy pair down or flapping`() {
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<2_000 {
      var pair = LinkPropagation(patience: 10)
      // What each port needs: its wire, our leave, and some reports to rise.
      var ports = [Model(), Model()]
      var orders = 0
      for step in 0..<200 {
        for i in 0..<2 { ports[i].wire = step >= 60 || Int.random(in: 0..<4, using: &chance) > 0 }
        for i in 0..<2 { ports[i].tick(riseTime: Int.random(in: 0...8, using: &chance)) }
        guard let order = pair.next(aUp: ports[0].isUp, bUp: ports[1].isUp) else { continue }
        if step >= 100 { orders += 1 }
        switch order {
        case .takeDown(let side): ports[side == .a ? 0 : 1].hold(true)
        case .bringUp(let side): ports[side == .a ? 0 : 1].hold(false)
        }
      }
      #expect(ports[0].isUp && ports[1].isUp)
      #expect(orders == 0)
    }
  }

  private struct Model {
    var wire = true
    private var held = false
    private var rising = 5

    var isUp: Bool { wire && !held && rising == 0 }

    mutating func tick(riseTime: Int) {
      if !wire || held { rising = riseTime } else if rising > 0 { rising -= 1 }
    }

    mutating func hold(_ down: Bool) { held = down }
  }
}
