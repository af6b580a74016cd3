import Glibc
import TestSupport
import Testing

@testable import dpdkfwd_ctl

/// Words are read as the C library's getopt_long(3) reads them, whatever they are.
@Suite(.serialized) struct OptionWordsTests {
  private static let names: [OptionName<Int>] = [
    OptionName("a", "alpha", .none, 1), OptionName("b", "beta", .required, 2),
    OptionName("c", "beta-two", .optional, 3),
    OptionName("d", "delta", .required, 4), OptionName(nil, "del", .none, 5), OptionName(nil, "alternative", .none, 1),
    OptionName(nil, "alt", .required, 6), OptionName(nil, "gamma", .optional, 7),
  ]
  private static let letters = ":ab:c::d:"

  private static let pieces = [
    "-a", "-b", "-c", "-d", "-x", "-ab", "-abc", "-ba", "-cx", "-aax", "-axa", "-", "--", "word", "", "other",
    "--alpha",
    "--al", "--alt", "--alt=1", "--alternative=2", "--beta", "--beta=3", "--bet", "--beta-", "--beta-two",
    "--beta-two=",
    "--d", "--de", "--del", "--delt", "--delta=", "--gamma", "--gam=x", "--g", "--x", "--=", "---", "-b-", "!x",
  ]

  private static func ours(_ arguments: [String]) -> [String] {
    var words = OptionWords(["program"] + arguments, names: names)
    var told: [String] = []
    while true {
      switch words.next() {
      case .option(let meaning, let argument): told.append("\(meaning) \(argument ?? "nil")")
      case .missing: told.append("missing \(words.quoted)")
      case .unknown: told.append("unknown \(words.quoted)")
      case .end: return told
      }
    }
  }

  private static func theirs(_ arguments: [String]) -> [String] {
    var pointers: [UnsafeMutablePointer<CChar>?] = unsafe (["program"] + arguments).map { unsafe strdup($0) }
    unsafe pointers.append(nil)
    let longNames = unsafe names.map { unsafe strdup($0.long ?? "") }
    let allocated = unsafe pointers + longNames
    defer { unsafe allocated.forEach { unsafe free($0) } }
    // `struct option`: name, need, flag and value, each in a word; one of zeros ends them.
    var options: [UInt] = []
    for place in names.indices {
      let name = names[place]
      options += unsafe [UInt(bitPattern: longNames[place]), name.argument.inC, 0, UInt(name.meaning)]
    }
    options += [0, 0, 0, 0]
    unsafe CLibrary.place.pointee = 0
    var told: [String] = []
    while true {
      let value = unsafe CLibrary.next(Int32(arguments.count + 1), &pointers, letters, &options, nil)
      let quoted = unsafe pointers[max(0, Int(CLibrary.place.pointee) - 1)].map { unsafe String(cString: $0) } ?? ""
      let argument = unsafe CLibrary.argument.pointee.map { unsafe String(cString: $0) } ?? "nil"
      switch value {
      case -1: return told
      case Int32(UInt8(ascii: "?")): told.append("unknown \(quoted)")
      case Int32(UInt8(ascii: ":")): told.append("missing \(quoted)")
      case let letter where letter >= Int32(UInt8(ascii: "a")):
        told.append("\(letter - Int32(UInt8(ascii: "a")) + 1) \(argument)")
      default: told.append("\(value) \(argument)")
      }
    }
  }

  @Test func `every pair of words`() {
    for first in Self.pieces {
      for second in Self.pieces {
        let words = [first, second]
        #expect(Self.ours(words) == Self.theirs(words), "\(words)")
      }
    }
  }

  @Test func `many words`() {
    var random = SeededGenerator.forThisRun()
    for _ in 0..<20_000 {
      let words = (0..<Int.random(in: 0...8, using: &random)).map { _ in Self.pieces.randomElement(using: &random) ?? ""
      }
      let (ours, theirs) = (Self.ours(words), Self.theirs(words))
      if ours != theirs {
        Issue.record("\(words): \(ours), and not \(theirs)")
        return
      }
    }
  }
}

extension ArgumentNeed {
  fileprivate var inC: UInt {
    switch self {
    case .none: 0
    case .required: 1
    case .optional: 2
    }
  }
}

/// getopt_long(3), which no module map names. It keeps its place in variables, so one test asks it at a time.
@safe
private enum CLibrary {
  typealias Function =
    @convention(c) (
      Int32, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, UnsafePointer<CChar>, UnsafeMutableRawPointer,
      UnsafeMutablePointer<Int32>?
    ) -> Int32

  private static func symbol(_ name: String) -> UnsafeMutableRawPointer {
    guard let symbol = unsafe dlsym(dlopen(nil, RTLD_NOW), name) else { preconditionFailure("no \(name)") }
    return unsafe symbol
  }

  static var next: Function { unsafe unsafeBitCast(symbol("getopt_long"), to: Function.self) }
  static var place: UnsafeMutablePointer<Int32> { unsafe symbol("optind").assumingMemoryBound(to: Int32.self) }
  static var argument: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
    unsafe symbol("optarg").assumingMemoryBound(to: UnsafeMutablePointer<CChar>?.self)
  }
}
