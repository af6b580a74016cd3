/// First in, first out. What has left costs memory until it is half of it.
struct Line<Element> {
  private var places: [Element] = []
  private var head = 0

  var count: Int { places.count - head }
  var first: Element? { head < places.count ? places[head] : nil }

  mutating func add(_ element: Element) { places.append(element) }

  mutating func removeFirst() {
    head += 1
    if head * 2 > places.count {
      places.removeFirst(head)
      head = 0
    }
  }

  mutating func keep(_ isMeant: (Element) -> Bool) {
    places = places[head...].filter(isMeant)
    head = 0
  }
}

extension Line: Sendable where Element: Sendable {}
