/// A bounded queue: what does not fit is refused. Its memory is taken once.
struct Ring<Element: BitwiseCopyable> {
  private var elements: [Element]
  private var first = 0
  private(set) var count = 0

  init(capacity: Int, filler: Element) { elements = Array(repeating: filler, count: capacity) }

  var room: Int { elements.count - count }

  /// `false`: full.
  @inline(__always)
  mutating func push(_ element: Element) -> Bool {
    guard count < elements.count else { return false }
    elements[place(count)] = element
    count += 1
    return true
  }

  @inline(__always)
  mutating func pop() -> Element? {
    guard count > 0 else { return nil }
    defer {
      first = place(1)
      count -= 1
    }
    return elements[first]
  }

  /// Lets the newest element overtake up to `distance` others.
  mutating func hurryLast(by distance: Int) {
    guard count > 1 else { return }
    elements.swapAt(place(count - 1), place(count - 1 - min(distance, count - 1)))
  }

  subscript(i: Int) -> Element { elements[place(i)] }

  @inline(__always)
  private func place(_ i: Int) -> Int {
    let place = first + i
    return place < elements.count ? place : place - elements.count
  }
}
