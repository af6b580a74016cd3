import Primitives
import Testing

struct FixedArrayTests {
  @Test func `elements keep what was put there`() {
    var array = FixedArray<UInt32>(repeating: 7, count: 3)
    array[1] = 9
    array[2] += 1
    let (count, elements) = (array.count, array.indices.map { array[$0] })
    #expect(count == 3 && elements == [7, 9, 8])
  }

  @Test func `an array is copied in its order`() {
    let array = FixedArray<UInt16>([3, 1, 2])
    let elements = array.indices.map { array[$0] }
    #expect(elements == [3, 1, 2])
  }

  @Test func `outside there is nothing`() async {
    await #expect(processExitsWith: .failure) {
      let array = FixedArray<UInt8>(repeating: 0, count: 2)
      _ = array[2]
    }
  }
}
