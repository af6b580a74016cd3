/// The programs of this package as a whole.
public enum Program {
  /// Forwarder and readers are released together.
  public static let version = "0.2.0"
}
