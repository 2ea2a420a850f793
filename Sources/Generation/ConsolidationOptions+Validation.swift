internal import Cascade

extension ConsolidationOptions {
  /// Checks every option against its range.
  func validate() throws(OptionsError) {
    try require(
      halfLifeDays > 0 && halfLifeDays.isFinite, "halfLifeDays", "\(halfLifeDays)", "more than 0")
    try require((0...1).contains(similarity), "similarity", "\(similarity)", "between 0 and 1")
    try require(recalls > 0, "recalls", "\(recalls)", "more than 0")
    try require(budgetBytes >= 0, "budgetBytes", "\(budgetBytes)", "0 or more")
  }
}
