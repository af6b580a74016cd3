/// Protocols without a tracker: one flow between two hosts for each, never assured.
public enum GenericTracker {
  @inlinable
  public static func begin() -> Judgement { .accept(.generic) }

  @inlinable @inline(__always)
  public static func follow() -> Judgement { .accept(.generic) }
}
