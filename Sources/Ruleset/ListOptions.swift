/// How rules are listed; the letters are nft's.
public struct ListOptions: Hashable, Sendable {
  /// `-a`: with handles.
  public var handles = false
  /// `-s`: without what was counted.
  public var stateless = false
  /// `-t`: without the elements of sets.
  public var terse = false
  /// `-j`.
  public var json = false
  /// `-n`: numbers rather than words; it means the next two as well.
  public var numeric = false
  /// `-y`: priorities as numbers.
  public var numericPriority = false
  /// `-p`: protocols as numbers.
  public var numericProtocol = false
  /// `-S`: ports as names of services.
  public var services = false

  /// What `iif 1` is called: the ports by name, in the order of their numbers.
  public var ports: [String] = []

  public init() {}
}
